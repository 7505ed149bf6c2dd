import ArgumentParser
import KubeClient
import KubeModel
import KubeRuntime
import Logging
import RESTFacade

/// How the REST API is served, by `tidemark api` and by `tidemark controller --rest-listen`.
struct RESTOptions: ParsableArguments {
  @Option(help: "The file of the REST API's certificate, in PEM; read again when it changes.")
  var restTlsCert: String?

  @Option(help: "The file of the certificate's key, in PEM.")
  var restTlsKey: String?

  @Option(help: "NAMESPACE/NAME of the Secret with the digests of service keys. By default there are none.")
  var serviceKeysSecret: String?

  @Option(help: "How many calls a second one caller may make; 0: as many as it likes.")
  var restRateLimit = 100.0

  func validate() throws {
    guard (restTlsCert == nil) == (restTlsKey == nil) else {
      throw ValidationError("--rest-tls-cert and --rest-tls-key go together: give both or none")
    }
    guard restRateLimit >= 0, restRateLimit <= 1_000_000 else {
      throw ValidationError("--rest-rate-limit is 0 to 1000000")
    }
    _ = try secret()
  }

  private func secret() throws -> ObjectKey? {
    guard let serviceKeysSecret else { return nil }
    let parts = serviceKeysSecret.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else {
      throw ValidationError("'\(serviceKeysSecret)' is no Secret; expected NAMESPACE/NAME for --service-keys-secret")
    }
    return ObjectKey(namespace: parts[0], name: parts[1])
  }

  /// A facade on `listen` with the caches of `runtime`.
  func facade(
    on listen: ListenAddress, namespaces: [String], client: KubeClient, runtime: Runtime, logger: Logger
  ) throws -> RESTFacade {
    var configuration = FacadeConfiguration(host: listen.host, port: listen.port, version: Version.text)
    configuration.namespaces = Set(namespaces)
    configuration.serviceKeys = try secret()
    if let restTlsCert, let restTlsKey {
      configuration.tls = TLSFiles(certificate: restTlsCert, key: restTlsKey)
    }
    configuration.limits.rate =
      restRateLimit == 0 ? nil : RateLimit(perSecond: restRateLimit, burst: max(1, Int(restRateLimit * 2)))
    let scheme = configuration.tls == nil ? "http" : "https"
    return try RESTFacade(
      configuration, client: client, runtime: runtime, platform: StorePlatform.make(), logger: logger,
      onListening: { port in
        logger.info("serving the REST API", metadata: ["address": "\(scheme)://\(listen.host):\(port)"])
      })
  }
}
