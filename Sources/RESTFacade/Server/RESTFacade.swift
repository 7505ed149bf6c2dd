import Hummingbird
import HummingbirdCore
import HummingbirdTLS
public import KubeClient
public import KubeRuntime
public import Logging
import NIOCore
public import ServiceLifecycle

/// The REST API: a view on the resources, without a state of its own, so that any number of replicas may run.
///
/// Reads come from the runtime's caches, writes go to the API server with the field manager `tidemark-rest`. Each call
/// is checked against the cluster's RBAC, or a service key's role, before it is carried out with the facade's own
/// account.
public struct RESTFacade: Service {
  private let application: any ApplicationProtocol

  /// A facade on `client` and the caches of `runtime`, which is declared to have them; run both. `onListening` is told
  /// the port. Throws where the certificate cannot be read.
  public init(
    _ configuration: FacadeConfiguration, client: KubeClient, runtime: Runtime,
    platform: FacadePlatform = FacadePlatform(), logger: Logger,
    onListening: @escaping @Sendable (Int) async -> Void = { _ in }
  ) throws {
    let limits = configuration.limits
    let responder = FacadeResponder(
      configuration: configuration, router: .facade,
      endpoints: Endpoints(
        client: client, stores: FacadeStores(runtime), authorizer: Authorizer(client: client),
        configuration: configuration, platform: platform, logger: logger),
      authenticator: Authenticator(client: client, keysSecret: configuration.serviceKeys, logger: logger),
      callers: CallerLimits(limits.rate), failures: CallerLimits(limits.failedAuthentications),
      document: ByteBuffer(string: OpenAPIDocument.text(version: configuration.version)),
      notReady: { runtime.unsyncedKinds }, logger: logger)
    let http = HTTP1Channel.Configuration(
      idleTimeout: .nanoseconds(Int64(limits.silence / .nanoseconds(1))),
      httpDecoderConfiguration: .init(maxHeaderFieldSize: 16_384, maxHeaderListSize: 32_768, maxHeaderFieldCount: 100))
    let plain = HTTPServerBuilder.http1(configuration: http)
    let server =
      if let files = configuration.tls {
        try HTTPServerBuilder.tls(
          plain, tlsConfiguration: try ServerCertificate(files, logger: logger).configuration())
      } else {
        plain
      }
    application = Application(
      responder: responder, server: server,
      configuration: ApplicationConfiguration(
        address: .hostname(configuration.host, port: configuration.port),
        availableConnectionsDelegate: .maximum(limits.connections, logger: logger)),
      onServerRunning: { channel in await onListening(channel.localAddress?.port ?? configuration.port) },
      logger: logger)
  }

  public func run() async throws { try await application.run() }
}

/// The API's description.
public enum OpenAPI {
  /// The document that `/openapi.json` serves: OpenAPI 3.1.
  public static func document(version: String) -> String { OpenAPIDocument.text(version: version) }
}
