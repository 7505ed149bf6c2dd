import Foundation
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
    let process = Process()
    process.executableURL = root.appendingPathComponent("hack/kube").standardizedFileURL
    process.arguments = [command, "--dir", directory] + arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(description: "hack/kube \(command) failed with \(process.terminationStatus)")
    }
    return text
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
