import Foundation
import KubeClient
import KubeModel
import Logging
import TestSupport

extension TestKube {
  /// Who we are, as administrator.
  func configuration(context: String? = nil) throws -> KubeConfiguration {
    try KubeConfiguration.load(kubeconfig: kubeconfig, context: context, environment: [:])
  }
}

extension KubeClient {
  /// A client that logs nothing.
  static func quiet(_ configuration: KubeConfiguration) throws -> KubeClient {
    try KubeClient(
      configuration: configuration, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
  }
}

/// Gives `work` a client of the real server and a namespace of its own, in which widgets can be kept.
func withNamespace(_ work: (KubeClient, String) async throws -> Void) async throws {
  let client = try KubeClient.quiet(try await TestServers.kube().configuration())
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
