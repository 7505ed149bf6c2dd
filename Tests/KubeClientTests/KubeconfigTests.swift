import Foundation
import KubeClient
import Testing

@Suite("kubeconfig")
struct KubeconfigTests {
  private func load(_ text: String, context: String? = nil) throws -> KubeConfiguration {
    let folder = try Folder()
    return try KubeConfiguration.load(
      kubeconfig: try folder.write("config", text), context: context, environment: [:])
  }

  private func message(_ text: String, context: String? = nil) -> String {
    do {
      _ = try load(text, context: context)
      return "no error"
    } catch {
      return "\(error)"
    }
  }

  private func config(cluster: String = "server: https://h:6443", user: String = "token: t") -> String {
    """
    current-context: c
    clusters: [{name: c, cluster: {\(cluster)}}]
    users: [{name: u, user: {\(user)}}]
    contexts: [{name: c, context: {cluster: c, user: u}}]
    """
  }

  @Test("a file without a context chosen uses its current one, and another where one is chosen")
  func contexts() throws {
    let text = """
      apiVersion: v1
      kind: Config
      current-context: one
      clusters:
      - name: a
        cluster: {server: "https://a.example:6443/base/"}
      - name: b
        cluster: {server: "http://[::1]:8080"}
      users:
      - name: u
        user: {token: secret-token}
      contexts:
      - name: one
        context: {cluster: a, user: u, namespace: team}
      - name: two
        context: {cluster: b}
      """
    let one = try load(text)
    #expect(one.serverURL == "https://a.example:6443/base" && one.defaultNamespace == "team")
    let two = try load(text, context: "two")
    #expect(two.serverURL == "http://[::1]:8080" && two.defaultNamespace == "default")
    #expect(message(text, context: "three").contains("there are 'one', 'two'"))
  }

  @Test("files are merged as kubectl merges them: the first to name a thing wins, whole")
  func merging() throws {
    let folder = try Folder()
    let first = try folder.write(
      "first",
      """
      clusters: [{name: shared, cluster: {server: "https://first:1"}}]
      users: [{name: u, user: {}}]
      """)
    let second = try folder.write(
      "second",
      """
      current-context: ctx
      clusters: [{name: shared, cluster: {server: "https://second:2", tls-server-name: other}}]
      users: [{name: u, user: {token: t}}]
      contexts: [{name: ctx, context: {cluster: shared, user: u}}]
      """)
    let third = try folder.write("third", "current-context: ignored")
    let list = "\(folder.path)/absent:\(first):\(second)::\(third)"
    let merged = try KubeConfiguration.load(environment: ["KUBECONFIG": list])
    #expect(merged.serverURL == "https://first:1")
    #expect(merged.tlsServerName == nil)
    guard case .none = merged.credentials else {
      Issue.record("the second file's token was mixed into the first file's user")
      return
    }
    let flag = try KubeConfiguration.load(kubeconfig: second, environment: ["KUBECONFIG": first])
    #expect(flag.serverURL == "https://second:2")
  }

  @Test("what is missing is said with the names that are there")
  func missing() throws {
    #expect(message("clusters: []").contains("current-context"))
    #expect(message("current-context: x").contains("no context 'x'; there are none"))
    #expect(message(config(cluster: "server: ''")).contains("has no server"))
    #expect(message(config(cluster: "server: 'ftp://x'")).contains("https://host:port"))
    let absent = #expect(throws: KubeError.self) {
      try KubeConfiguration.load(kubeconfig: "/does/not/exist", environment: [:])
    }
    #expect("\(absent as Any)".contains("/does/not/exist does not exist"))
    let unset = #expect(throws: KubeError.self) { try KubeConfiguration.load(environment: [:]) }
    #expect(unset?.code == "KubernetesConfigurationInvalid")
    #expect("\(unset as Any)".contains("KUBECONFIG is not set"))
    #expect(throws: KubeError.self) { try KubeConfiguration.load(environment: ["KUBECONFIG": "/no/a:/no/b"]) }
  }

  @Test("what is not supported is refused, and says what is")
  func refusals() {
    #expect(message(config(user: "username: a, password: hunter2")).contains("basic authentication"))
    #expect(message(config(user: "auth-provider: {name: gcp}")).contains("exec plugin"))
    #expect(message(config(user: "as: someone, token: t")).contains("'as'"))
    #expect(message(config(user: "client-key-data: YQ==")).contains("client-certificate"))
    #expect(message(config(user: "client-certificate-data: '!'")).contains("base64"))
    #expect(
      message(config(user: "exec: {command: x, apiVersion: client.authentication.k8s.io/v1alpha1}"))
        .contains("client.authentication.k8s.io/v1beta1"))
    #expect(
      message(config(user: "exec: {command: x, interactiveMode: Always, apiVersion: client.authentication.k8s.io/v1}"))
        .contains("terminal"))
    #expect(message(config(cluster: "server: 'https://h', proxy-url: 'https://p:1'")).contains("socks5://"))
    #expect(
      message(
        config(
          cluster: "server: 'https://h', insecure-skip-tls-verify: true, certificate-authority-data: YQ==")
      )
      .contains("remove one of them"))
  }

  @Test("no error about a file quotes it, and no description shows a credential")
  func noCredentials() throws {
    for broken in ["users: [{token: hunter2", "users: {name: hunter2}", "hunter2", "users: [{name: [hunter2]}]"] {
      let text = message(broken)
      #expect(text != "no error" && !text.contains("hunter2"))
    }
    let configuration = try load(config(user: "token: hunter2"))
    var dumped = ""
    dump(configuration, to: &dumped)
    for text in ["\(configuration)", String(reflecting: configuration), dumped] {
      #expect(!text.contains("hunter2"))
    }
  }

  @Test("paths are relative to the file that names them")
  func relativePaths() throws {
    let folder = try Folder()
    try folder.write("sub/ca.pem", "CA")
    try folder.write("sub/cert.pem", "CERT")
    try folder.write("key.pem", "KEY")
    let file = try folder.write(
      "sub/config",
      config(
        cluster: "server: 'https://h', certificate-authority: ca.pem",
        user: "client-certificate: ./cert.pem, client-key: ../key.pem, tokenFile: tok"))
    let configuration = try KubeConfiguration.load(kubeconfig: file, environment: [:])
    #expect(configuration.trust == .authorities(Array("CA".utf8)))
    #expect(configuration.clientCertificate == .init(certificate: Array("CERT".utf8), key: Array("KEY".utf8)))
    guard case .tokenFile(let path) = configuration.credentials else {
      Issue.record("no token file")
      return
    }
    #expect(path.hasSuffix("/sub/tok"))
  }

  @Test("TLS is verified unless the file says otherwise, and a proxy is honoured")
  func trust() throws {
    #expect(try load(config()).trust == .system)
    #expect(try load(config(cluster: "server: 'https://h', insecure-skip-tls-verify: true")).trust == .anyCertificate)
    let proxied = try load(config(cluster: "server: 'https://h', proxy-url: 'http://p:3128', tls-server-name: n"))
    #expect(proxied.proxy == .http(host: "p", port: 3128) && proxied.tlsServerName == "n")
    #expect(
      try load(config(cluster: "server: 'https://h', proxy-url: 'socks5://p'")).proxy == .socks(host: "p", port: 1080))
  }

  @Test("in a pod the service account is used, IPv6 addresses included")
  func inCluster() throws {
    let folder = try Folder()
    try folder.write("ca.crt", "CA")
    try folder.write("token", "t1\n")
    try folder.write("namespace", "team\n")
    let environment = ["KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"]
    let found = try KubeConfiguration.inCluster(environment: environment, directory: folder.path)
    let pod = try #require(found)
    #expect(pod.serverURL == "https://[fd00::1]:443" && pod.defaultNamespace == "team")
    #expect(pod.trust == .authorities(Array("CA".utf8)))
    #expect(try KubeConfiguration.inCluster(environment: [:], directory: folder.path) == nil)
    #expect(throws: KubeConfigurationFailure.self) {
      try KubeConfiguration.inCluster(environment: environment, directory: "\(folder.path)/absent")
    }
  }
}
