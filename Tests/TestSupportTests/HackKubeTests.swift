import Foundation
import TestSupport
import Testing

@Suite("hack/kube")
struct HackKubeTests {
  @Test("killed and started again, the API server has its objects and its port")
  func crash() async throws {
    let kube = try await TestKube.start()
    let script = try #require(RunningProgramTests.hackFolder) + "/kube"
    let namespace = try await kube.makeNamespace()
    let processes = try processes(kube)
    try await RunningProgram.run(script, ["up", "--dir", kube.directory])
    #expect(try self.processes(kube) == processes)

    try await kube.kill9(.apiserver)
    #expect(try await PlainConnection.open(port: kube.port) == nil)
    try await kube.kill9(.etcd)
    try await RunningProgram.run(script, ["up", "--dir", kube.directory])
    #expect(try await kube.kubectl("get", "namespace", namespace, "-o", "name") == "namespace/\(namespace)\n")
    try await kube.remove()
    #expect(!FileManager.default.fileExists(atPath: kube.directory))
  }

  @Test("after a compaction, a watch from an old version is answered with 410")
  func compaction() async throws {
    let kube = try await TestKube.start(watchCache: .off)
    _ = try await kube.makeNamespace()
    try await kube.compact()
    let watch = "/api/v1/namespaces?watch=1&resourceVersion=1&timeoutSeconds=5"
    let answer = try await RunningProgram.run(
      "curl", ["-s", "--cacert", kube.caFile, "-H", "Authorization: Bearer \(kube.token)", "\(kube.url)\(watch)"])
    #expect(answer.output.contains("\"code\":410"))
    try await kube.remove()
  }

  @Test("a user has the rights that RBAC gives, and no others")
  func users() async throws {
    let kube = try await TestServers.kube()
    let namespace = try await kube.makeNamespace()
    let user = try await kube.kubeconfig(user: "jo", groups: ["readers"])
    let get = ["--kubeconfig", user, "get", "configmaps", "--namespace", namespace]
    await #expect(throws: TestSupportError.self) { try await RunningProgram.run("kubectl", get) }
    try await kube.apply(
      """
      apiVersion: rbac.authorization.k8s.io/v1
      kind: Role
      metadata: {name: readers}
      rules: [{apiGroups: [""], resources: [configmaps], verbs: [get, list]}]
      ---
      apiVersion: rbac.authorization.k8s.io/v1
      kind: RoleBinding
      metadata: {name: readers}
      roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: readers}
      subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: readers}]
      """, namespace: namespace)
    try await eventually(within: .seconds(10)) {
      (try? await RunningProgram.run("kubectl", get)) != nil
    }
  }

  @Test("the certificate in the kubeconfig is an administrator's too")
  func certificate() async throws {
    let kube = try await TestServers.kube()
    let answer = try await kube.kubectl("--context", "certificate", "auth", "can-i", "delete", "namespaces")
    #expect(answer == "yes\n")
  }

  private func processes(_ kube: TestKube) throws -> [String] {
    try ["etcd", "apiserver"].map {
      try String(contentsOfFile: "\(kube.directory)/run/\($0).pid", encoding: .utf8)
    }
  }
}
