import Foundation
import KubeClient
import KubeModel
import Synchronization
import Testing

@Suite("Credentials")
struct CredentialTests {
  /// A clock that a test sets.
  private final class WallClock: Sendable {
    private let microseconds = Mutex<Int64>(1_000_000_000_000)
    var now: MicroTime { MicroTime(microsecondsSince1970: microseconds.withLock { $0 }) }
    func advance(seconds: Int64) { microseconds.withLock { $0 += seconds * 1_000_000 } }
  }

  private let clock = WallClock()
  private let folder: Folder

  init() throws { folder = try Folder() }

  /// A source with an exec plugin that counts its calls in the file `calls`, one line each, and prints `status`.
  private func source(
    status: String, version: String = "v1", script: String = "", cluster: String = "", exec: String = ""
  ) throws -> CredentialSource {
    try folder.write(
      "plugin",
      """
      #!/bin/sh
      echo x >> "$COUNT"
      n=$(wc -l < "$COUNT" | tr -d ' ')
      echo "$KUBERNETES_EXEC_INFO" > "$COUNT.info"
      \(script)
      cat <<END
      {"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/\(version)","status":\(status)}
      END
      """, executable: .yes)
    let file = try folder.write(
      "config",
      """
      current-context: c
      clusters: [{name: c, cluster: {server: "https://h:6443"\(cluster)}}]
      contexts: [{name: c, context: {cluster: c, user: u}}]
      users:
      - name: u
        user:
          exec:
            apiVersion: client.authentication.k8s.io/\(version)
            command: ./plugin
            args: [a]
            env: [{name: COUNT, value: "\(folder.path)/calls"}]
            \(exec)
      """)
    let configuration = try KubeConfiguration.load(kubeconfig: file, environment: [:])
    let clock = clock
    return CredentialSource(configuration.credentials, now: { clock.now })
  }

  private func calls() throws -> Int { try folder.read("calls").split(separator: "\n").count }

  @Test("an exec plugin runs once until its credential expires, and again then", arguments: ["v1", "v1beta1"])
  func expiry(version: String) async throws {
    let expiration = Timestamp(secondsSince1970: clock.now.timestamp.secondsSince1970 + 100)
    let source = try source(
      status: #"{"token":"token-$n","expirationTimestamp":"\#(expiration)"}"#, version: version)
    for _ in 0..<5 { #expect(try await source.authorization() == "Bearer token-1") }
    clock.advance(seconds: 99)
    #expect(try await source.authorization() == "Bearer token-1")
    #expect(try calls() == 1)
    clock.advance(seconds: 2)
    #expect(try await source.authorization() == "Bearer token-2")
    #expect(try calls() == 2)
  }

  @Test("a credential without an expiry is kept until it is refused")
  func refusal() async throws {
    let source = try source(status: #"{"token":"token-$n"}"#)
    #expect(try await source.authorization() == "Bearer token-1")
    clock.advance(seconds: 1_000_000)
    #expect(try await source.authorization() == "Bearer token-1")
    await source.refuseCurrent()
    #expect(try await source.authorization() == "Bearer token-2")
  }

  @Test("many requests at once wait for one run of the plugin")
  func coalescing() async throws {
    let source = try source(status: #"{"token":"token-$n"}"#, script: "sleep 0.3")
    try await withThrowingTaskGroup(of: String?.self) { group in
      for _ in 0..<20 { group.addTask { try await source.authorization() } }
      for try await authorization in group { #expect(authorization == "Bearer token-1") }
    }
    #expect(try calls() == 1)
  }

  @Test("who waits for a run that is cancelled gets a credential all the same")
  func cancelledRun() async throws {
    let source = try source(status: #"{"token":"token-$n"}"#, script: "sleep 0.5")
    let first = Task { try await source.authorization() }
    let running = folder.path + "/calls"
    while !FileManager.default.fileExists(atPath: running) { try await Task.sleep(for: .milliseconds(5)) }
    let second = Task { try await source.authorization() }
    try await Task.sleep(for: .milliseconds(20))
    first.cancel()
    #expect(try await second.value == "Bearer token-2")
  }

  @Test("the plugin is told its API version, that there is no terminal, and the cluster where that is asked for")
  func execInfo() async throws {
    let source = try source(
      status: #"{"token":"t"}"#, cluster: #", certificate-authority-data: "Q0E=", tls-server-name: n"#,
      exec: "provideClusterInfo: true")
    _ = try await source.authorization()
    let info = try JSONDecoder().decode(JSONValue.self, from: Data(try folder.read("calls.info").utf8))
    #expect(info["apiVersion"]?.text == "client.authentication.k8s.io/v1")
    #expect(info["kind"]?.text == "ExecCredential")
    #expect(info["spec"]?["interactive"] == false)
    #expect(info["spec"]?["cluster"]?["server"]?.text == "https://h:6443")
    #expect(info["spec"]?["cluster"]?["certificate-authority-data"]?.text == "Q0E=")
    #expect(info["spec"]?["cluster"]?["tls-server-name"]?.text == "n")
  }

  @Test(
    "a plugin that fails or prints nonsense is an error that names it and quotes nothing of its output",
    arguments: [
      ("exit 3", #"{"token":"hunter2"}"#, "exited(3)"), ("", #"{"token":""}"#, "neither a token"),
      ("", #"{"clientCertificateData":"x"}"#, "without its key"), ("", "null", "without a status"),
      ("", #"{"token":["hunter2"]}"#, "no ExecCredential"),
      ("echo hunter2; exit 0", #"{"token":"t"}"#, "no ExecCredential"),
    ])
  func failures(script: String, status: String, expected: String) async throws {
    let source = try source(status: status, script: script, exec: "installHint: ask your provider")
    let error = await #expect(throws: KubeError.self) { _ = try await source.authorization() }
    let text = "\(error as Any)"
    #expect(error?.code == "KubernetesCredentialsUnavailable")
    #expect(text.contains(expected) && text.contains("ask your provider") && !text.contains("hunter2"))
  }

  @Test("a plugin that is not there is an error, and is looked for again the next time")
  func absentPlugin() async throws {
    let source = try source(status: #"{"token":"t"}"#)
    let plugin = try folder.read("plugin")
    try FileManager.default.removeItem(atPath: "\(folder.path)/plugin")
    await #expect(throws: KubeError.self) { _ = try await source.authorization() }
    try folder.write("plugin", plugin, executable: .yes)
    #expect(try await source.authorization() == "Bearer t")
  }

  @Test("a token file is read again after a minute, at once after a refusal, and its absence is survived")
  func tokenFile() async throws {
    let path = try folder.write("token", "one\n")
    let clock = clock
    let source = CredentialSource(.tokenFile(path: path), now: { clock.now })
    #expect(try await source.authorization() == "Bearer one")
    try folder.write("token", "two")
    clock.advance(seconds: 59)
    #expect(try await source.authorization() == "Bearer one")
    clock.advance(seconds: 1)
    #expect(try await source.authorization() == "Bearer two")
    try folder.write("token", "three")
    await source.refuseCurrent()
    #expect(try await source.authorization() == "Bearer three")
    try FileManager.default.removeItem(atPath: path)
    clock.advance(seconds: 61)
    #expect(try await source.authorization() == "Bearer three")
    let empty = CredentialSource(.tokenFile(path: path))
    await #expect(throws: KubeError.self) { _ = try await empty.authorization() }
  }
}
