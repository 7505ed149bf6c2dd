public import Logging

/// A typed client of one Kubernetes API server.
///
/// Every call throws `KubeError`, or `CancellationError` where its task was cancelled. Credentials are obtained when
/// they are needed and refreshed when they expire or are refused. A request is sent again only where that is safe:
/// reads after any break of the connection and after 429, writes that are the same done twice where no answer began,
/// all others only where nothing listened. Answers are bounded in size and in time.
///
/// Call `shutdown` when the client is not needed any more.
public final class KubeClient: Sendable {
  /// Where the server is and who we are there.
  public let configuration: KubeConfiguration
  let settings: KubeClientSettings
  let exchange: Exchange
  let logger: Logger

  /// A client of the server that `configuration` names; it connects when it is first used.
  ///
  /// Throws `KubeError.configuration` where a certificate or key of the configuration cannot be read.
  public init(
    configuration: KubeConfiguration, settings: KubeClientSettings = KubeClientSettings(), logger: Logger
  ) throws {
    self.configuration = configuration
    self.settings = settings
    self.logger = logger
    do {
      exchange = Exchange(
        connections: try Connections(configuration, settings),
        credentials: CredentialSource(configuration.credentials),
        metrics: RequestMetrics(host: configuration.server.authority), settings: settings)
    } catch {
      throw KubeError.configuration(error)
    }
    if case .anyCertificate = configuration.trust {
      logger.warning(
        "TLS certificates of the API server are not verified: the kubeconfig says insecure-skip-tls-verify",
        metadata: ["server": "\(configuration.serverURL)"])
    }
  }

  /// Closes all connections. Requests under way fail, watches end with an error.
  public func shutdown() async {
    do {
      try await exchange.connections.shutdown()
    } catch {
      logger.debug("the Kubernetes client did not shut down cleanly", metadata: ["error": "\(type(of: error))"])
    }
  }
}

/// The server's version, as `kubectl version` shows it.
public struct KubeServerVersion: Codable, Sendable, Hashable {
  /// The major version, for example `1`.
  public let major: String
  /// The minor version, for example `20` or `29+`.
  public let minor: String
  /// The whole version, for example `v1.20.2`.
  public let gitVersion: String
}

extension KubeClient {
  /// The server's version: the cheapest proof that it can be reached and trusted.
  public func serverVersion() async throws -> KubeServerVersion {
    let request = APIRequest(
      operation: "get /version", method: .get, path: "/version", repetition: .read,
      timeout: settings.requestTimeout, answerLimit: settings.objectLimit)
    return try await exchange.perform(request, as: KubeServerVersion.self)
  }
}
