import Hummingbird
public import Logging
import NIOCore
public import ServiceLifecycle

/// Answers `/healthz`, `/readyz` and `/metrics`, for probes and for Prometheus.
public struct OperationsServer: Service {
  private let application: any ApplicationProtocol

  /// A server on `host:port`; port 0 takes a free one, which `onListening` is told.
  ///
  /// `notReady` names what is still missing; nothing missing is ready. `samples` are read for each scrape.
  public init(
    host: String, port: Int, registry: PrometheusRegistry, logger: Logger,
    notReady: @escaping @Sendable () -> [String], samples: @escaping @Sendable () -> [GaugeSample] = { [] },
    onListening: @escaping @Sendable (Int) async -> Void = { _ in }
  ) {
    let router = Router()
    router.get("/healthz") { _, _ in "ok\n" }
    router.get("/readyz") { _, _ in
      let missing = notReady()
      return missing.isEmpty
        ? Self.text(.ok, "ok\n") : Self.text(.serviceUnavailable, "not synced: \(missing.joined(separator: ", "))\n")
    }
    router.get("/metrics") { _, _ in Self.text(.ok, registry.exposition(samples()), "text/plain; version=0.0.4") }
    application = Application(
      router: router, configuration: ApplicationConfiguration(address: .hostname(host, port: port)),
      onServerRunning: { channel in await onListening(channel.localAddress?.port ?? port) }, logger: logger)
  }

  public func run() async throws { try await application.run() }

  private static func text(
    _ status: HTTPResponse.Status, _ body: String, _ type: String = "text/plain; charset=utf-8"
  ) -> Response {
    Response(status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(string: body)))
  }
}
