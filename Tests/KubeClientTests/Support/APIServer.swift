import Foundation
import Glibc
import KubeClient
import KubeModel
import Logging

/// The real API server of this test process, started by `hack/kube` when it is first needed; it goes with the process.
struct APIServer: Sendable {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private static let started = Result { try APIServer() }

  /// The server, started and ready.
  static var shared: APIServer { get throws { try started.get() } }

  let directory: String

  private init() throws {
    let process = ProcessInfo.processInfo.processIdentifier
    directory = NSTemporaryDirectory() + "tidemark-kube-client-server-\(process)"
    try hack("up", "--owner-pid", "\(process)")
  }

  /// Runs a command of `hack/kube` for this server and gives what it prints.
  @discardableResult
  func hack(_ command: String, _ arguments: String...) throws -> String {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../..")
    // Not Foundation's Process: it waits until the servers that the script leaves running are gone too.
    let output = NSTemporaryDirectory() + "tidemark-hack-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: output) }
    let script = root.appendingPathComponent("hack/kube").standardizedFileURL.path
    let status = try run([script, command, "--dir", directory] + arguments, output: output)
    guard status == 0 else { throw Failure(description: "hack/kube \(command) failed with \(status)") }
    return try String(contentsOfFile: output, encoding: .utf8)
  }

  private func run(_ arguments: [String], output: String) throws -> CInt {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT, 0o600)
    var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var process = pid_t()
    guard posix_spawn(&process, arguments[0], &actions, nil, &words, environ) == 0 else {
      throw Failure(description: "\(arguments[0]) cannot be started")
    }
    var status: CInt = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    return status
  }

  /// Who we are, as administrator.
  func configuration(context: String? = nil) throws -> KubeConfiguration {
    try KubeConfiguration.load(kubeconfig: "\(directory)/kubeconfig", context: context, environment: [:])
  }

  /// A client, as administrator.
  func client() throws -> KubeClient { try Self.client(try configuration()) }

  /// A client with this configuration.
  static func client(
    _ configuration: KubeConfiguration, settings: KubeClientSettings = KubeClientSettings()
  ) throws -> KubeClient {
    try KubeClient(
      configuration: configuration, settings: settings,
      logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
  }
}

/// Gives `work` a client of the real server and a namespace of its own, in which widgets can be kept.
func withNamespace(_ work: (KubeClient, String) async throws -> Void) async throws {
  let client = try APIServer.shared.client()
  do {
    try await Widget.define(client)
    let namespace = "test-" + UUID().uuidString.lowercased().prefix(8)
    try await client.create(Namespace(name: namespace))
    try await work(client, namespace)
  } catch {
    await client.shutdown()
    throw error
  }
  await client.shutdown()
}
