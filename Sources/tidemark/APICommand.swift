import ArgumentParser
import KubeClient
import KubeRuntime
import Logging
import Metrics
import RESTFacade
import ServiceLifecycle
import Telemetry
import UnixSignals

/// `tidemark api`: the REST API alone, with caches of its own. Any number of them may run.
struct APICommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "api", abstract: "Serve the REST API.", discussion: "See docs/rest-api.md.")

  @Option(help: "A kubeconfig file. By default KUBECONFIG, then the pod's service account.")
  var kubeconfig: String?

  @Option(name: .customLong("namespace"), help: "A namespace to serve; may be repeated. By default all.")
  var namespaces: [String] = []

  @Option(help: "HOST:PORT of the REST API; port 0 takes a free one.")
  var restListen = "127.0.0.1:8080"

  @Option(help: "HOST:PORT for /healthz, /readyz and /metrics; port 0 takes a free one.")
  var metricsListen = "127.0.0.1:0"

  @OptionGroup var rest: RESTOptions

  @Option(help: "text or json.")
  var logFormat: LogFormat = .text

  func validate() throws {
    _ = try ListenAddress(restListen)
    _ = try ListenAddress(metricsListen)
  }

  func run() async throws {
    let logger = ProgramLog.make("tidemark.api", logFormat)
    let registry = PrometheusRegistry()
    MetricsSystem.bootstrap(registry)
    let client = try KubeClient(configuration: .load(kubeconfig: kubeconfig), logger: logger)
    let runtime = Runtime(
      client: client, namespaces: namespaces.isEmpty ? .all : .only(Set(namespaces)), logger: logger)
    let facade = try rest.facade(
      on: ListenAddress(restListen), namespaces: namespaces, client: client, runtime: runtime, logger: logger)
    let metrics = try ListenAddress(metricsListen)
    let operations = OperationsServer(
      host: metrics.host, port: metrics.port, registry: registry, logger: logger, notReady: { runtime.unsyncedKinds },
      onListening: { port in logger.info("serving metrics", metadata: ["address": "\(metrics.host):\(port)"]) })
    logger.info("REST API starting", metadata: ["version": "\(Version.text)"])
    // Services end in the reverse order: first no calls are taken any more, then the caches stop.
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: [
          .init(service: operations, successTerminationBehavior: .gracefullyShutdownGroup),
          .init(service: runtime, successTerminationBehavior: .gracefullyShutdownGroup),
          .init(service: facade, successTerminationBehavior: .gracefullyShutdownGroup),
        ],
        gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
    do {
      try await group.run()
    } catch {
      await client.shutdown()
      throw error
    }
    await client.shutdown()
  }
}

/// `tidemark openapi`: prints the REST API's document.
struct OpenAPICommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "openapi", abstract: "Print the REST API's document, OpenAPI 3.1.")

  func run() { print(OpenAPI.document(version: Version.text)) }
}
