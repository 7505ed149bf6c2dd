import Foundation
import KubeClient
import KubeModel
import TestSupport
import Testing

/// The two ways in which a program gets at a token that it was not given: a pod's files, and a plugin.
@Suite("A real service account's token, at a real API server")
struct ServiceAccountTests {
  /// An account that may read widgets in its namespace, and nothing else; gives its token.
  private func token(_ kube: TestKube, _ namespace: String) async throws -> String {
    try await kube.apply(
      """
      apiVersion: v1
      kind: ServiceAccount
      metadata: {name: reader}
      ---
      apiVersion: rbac.authorization.k8s.io/v1
      kind: Role
      metadata: {name: reader}
      rules: [{apiGroups: [test.tidemark.dev], resources: [widgets], verbs: [get, list]}]
      ---
      apiVersion: rbac.authorization.k8s.io/v1
      kind: RoleBinding
      metadata: {name: reader}
      roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
      subjects: [{kind: ServiceAccount, name: reader, namespace: \(namespace)}]
      """, namespace: namespace)
    let request = try Folder()
    let file = try request.write(
      "request.json", #"{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{}}"#)
    let answer = try await kube.kubectl(
      "create", "--raw", "/api/v1/namespaces/\(namespace)/serviceaccounts/reader/token", "--filename", file)
    let token = try JSONDecoder().decode(JSONValue.self, from: Data(answer.utf8))["status"]?["token"]?.text
    return try #require(token)
  }

  /// Reads widgets with `configuration`, and is refused what the account has no right to.
  private func expectReader(_ configuration: KubeConfiguration, _ namespace: String) async throws {
    let client = try KubeClient.quiet(configuration)
    try await eventually(within: .seconds(10), "the role counts") {
      (try? await client.list(Widget.self, namespace: namespace))?.items.map(\.metadata.name) == ["w"]
    }
    let error = await #expect(throws: KubeError.self) { try await client.create(Widget("x", in: namespace)) }
    #expect(error?.code == "KubernetesForbidden")
    #expect("\(error as Any)".contains("system:serviceaccount:\(namespace):reader"))
    await client.shutdown()
  }

  @Test("the files that a pod finds are enough to get in as its service account")
  func inCluster() async throws {
    let kube = try await TestServers.kube()
    try await withNamespace { client, namespace in
      try await client.create(Widget("w", in: namespace))
      let folder = try Folder()
      try folder.write("token", try await token(kube, namespace))
      try folder.write("ca.crt", try String(contentsOfFile: kube.caFile, encoding: .utf8))
      try folder.write("namespace", namespace)
      let configuration = try KubeConfiguration.inCluster(
        environment: ["KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "\(kube.port)"],
        directory: folder.path)
      let pod = try #require(configuration)
      #expect(pod.defaultNamespace == namespace)
      try await expectReader(pod, namespace)
      // A token that the server does not know is refused, and the file is read again.
      let client = try KubeClient.quiet(pod)
      let good = try folder.read("token")
      try folder.write("token", "nonsense")
      let error = await #expect(throws: KubeError.self) { try await client.list(Widget.self, namespace: namespace) }
      #expect(error?.code == "KubernetesUnauthorized")
      try folder.write("token", good)
      #expect(try await client.list(Widget.self, namespace: namespace).items.count == 1)
      await client.shutdown()
    }
  }

  @Test("an exec plugin that prints the token gets in as that service account")
  func execPlugin() async throws {
    let kube = try await TestServers.kube()
    try await withNamespace { client, namespace in
      try await client.create(Widget("w", in: namespace))
      let folder = try Folder()
      let credential =
        #"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","#
        + #""status":{"token":"\#(try await token(kube, namespace))"}}"#
      try folder.write("credential", credential)
      try folder.write("plugin", "#!/bin/sh\ncat '\(folder.path)/credential'\n", executable: .yes)
      let file = try folder.write(
        "config",
        """
        current-context: c
        clusters: [{name: c, cluster: {server: "\(kube.url)", certificate-authority: "\(kube.caFile)"}}]
        contexts: [{name: c, context: {cluster: c, user: u}}]
        users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin}}}]
        """)
      try await expectReader(try .load(kubeconfig: file, environment: [:]), namespace)
    }
  }
}
