import ArgumentParser
import Controllers
import Foundation
import KubeClient
import KubeModel
import KubeRuntime
import Logging
import Metrics
import ServiceLifecycle
import Steps
import Telemetry
import TidemarkAPI
import UnixSignals

/// `tidemark controller`: watches resources and reconciles them.
struct ControllerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "controller", abstract: "Watch Tidemark's resources and reconcile them.")

  /// Where steps and instances run.
  enum Platform: String, ExpressibleByArgument, CaseIterable {
    case kubernetes, local
  }

  @Option(help: "A kubeconfig file. By default KUBECONFIG, then the pod's service account.")
  var kubeconfig: String?

  @Option(name: .customLong("namespace"), help: "A namespace to watch; may be repeated. By default all.")
  var namespaces: [String] = []

  @Option(help: "Where steps and instances run: kubernetes (Jobs and pods), or local (processes of this machine).")
  var platform: Platform = .local

  @OptionGroup(title: "On the platform kubernetes") var kubernetes: KubernetesOptions

  @Option(help: "The folder for steps and instances.")
  var stateDir = "/var/lib/tidemark"

  @Option(help: "The folder of PostgreSQL's server programs. By default Debian's for each version.")
  var pgBindir: String?

  @Option(help: "The user that instances run as. Required for root, as which PostgreSQL does not run.")
  var pgUser: String?

  @Option(help: "HOST:PORT for /healthz, /readyz and /metrics; port 0 takes a free one.")
  var metricsListen = "127.0.0.1:0"

  @Option(help: "HOST:PORT of the REST API; port 0 takes a free one. By default it is not served.")
  var restListen: String?

  @OptionGroup var rest: RESTOptions

  @Flag(help: "Lead by a Lease, so that several controllers may run and one acts.")
  var leaderElect = false

  @Option(help: "The namespace of the Lease.")
  var leaderElectNamespace = "default"

  @Option(help: "text or json.")
  var logFormat: LogFormat = .text

  func validate() throws {
    _ = try ListenAddress(metricsListen)
    if let restListen { _ = try ListenAddress(restListen) }
    if platform == .kubernetes { _ = try kubernetes.settings() }
  }

  func run() async throws {
    let logger = ProgramLog.make("tidemark", logFormat)
    let registry = PrometheusRegistry()
    MetricsSystem.bootstrap(registry)
    let client = try KubeClient(configuration: .load(kubeconfig: kubeconfig), logger: logger)
    let events = EventRecorder(client: client, component: "tidemark", logger: logger)
    let runtime = Runtime(
      client: client, namespaces: namespaces.isEmpty ? .all : .only(Set(namespaces)),
      election: election(client, logger),
      logger: logger)
    let metrics = StatusMetrics(try addControllers(to: runtime, client, events, logger))
    let listen = try ListenAddress(metricsListen)
    let operations = OperationsServer(
      host: listen.host, port: listen.port, registry: registry, logger: logger, notReady: { runtime.unsyncedKinds },
      samples: { metrics.read().map { GaugeSample(name: $0.name, labels: $0.labels, value: $0.value) } },
      onListening: { port in logger.info("serving metrics", metadata: ["address": "\(listen.host):\(port)"]) })
    logger.info("controller starting", metadata: ["version": "\(Version.text)"])
    let facade = try restListen.map { address in
      try rest.facade(
        on: ListenAddress(address), namespaces: namespaces, client: client, runtime: runtime, logger: logger)
    }
    // Services end in the reverse order: the REST API and the runtime first, then the events that were recorded, then
    // the server.
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: [
          .init(service: operations, successTerminationBehavior: .gracefullyShutdownGroup),
          .init(service: events, successTerminationBehavior: .gracefullyShutdownGroup),
          .init(service: runtime, successTerminationBehavior: .gracefullyShutdownGroup),
        ] + (facade.map { [.init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup)] } ?? []),
        gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
    do {
      try await group.run()
    } catch {
      await client.shutdown()
      throw error
    }
    await client.shutdown()
  }

  private func election(_ client: KubeClient, _ logger: Logger) -> LeaderElector? {
    guard leaderElect else { return nil }
    let identity = "\(ProcessInfo.processInfo.hostName)_\(UUID().uuidString.lowercased())"
    return LeaderElector(
      client: client,
      configuration: LeaderElector.Configuration(
        lease: ObjectKey(namespace: leaderElectNamespace, name: "tidemark-controller"), identity: identity),
      logger: logger)
  }

  private func addControllers(
    to runtime: Runtime, _ client: KubeClient, _ events: EventRecorder, _ logger: Logger
  ) throws -> ControllerEnvironment {
    let environment =
      switch platform {
      case .local: try local(runtime, client, events, logger)
      case .kubernetes:
        try kubernetes.environment(
          runtime, client, events, namespaces: namespaces, programDirectory: pgBindir, logger: logger)
      }
    TidemarkControllers.add(to: runtime, in: environment)
    return environment
  }

  private func local(
    _ runtime: Runtime, _ client: KubeClient, _ events: EventRecorder, _ logger: Logger
  ) throws -> ControllerEnvironment {
    let state = URL(filePath: stateDir).standardizedFileURL.path()
    let program = try OwnProgram.path()
    let tools = try PostgresTools(binDirectory: pgBindir, user: pgUser)
    return ControllerEnvironment(
      client: client, runtime: runtime,
      runner: LocalStepRunner(stateDirectory: state, program: program, logger: logger),
      host: LocalInstanceHost(stateDirectory: state, program: program, tools: tools, logger: logger), events: events,
      cluster: ClusterAccess(kubeconfig: try kubeconfigForSteps()), programDirectory: pgBindir, logger: logger)
  }

  /// Steps run elsewhere, so a relative path would not do.
  private func kubeconfigForSteps() throws -> String? {
    guard let path = kubeconfig ?? ProcessInfo.processInfo.environment["KUBECONFIG"], !path.isEmpty else { return nil }
    return path.contains(":") ? nil : URL(filePath: path).standardizedFileURL.path()
  }
}

/// `HOST:PORT`.
struct ListenAddress {
  let host: String
  let port: Int

  init(_ text: String) throws {
    guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
      (0...65535).contains(port), colon != text.startIndex
    else {
      throw ValidationError("'\(text)' is no address; expected HOST:PORT, such as 127.0.0.1:8080")
    }
    host = text[..<colon].trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
    self.port = port
  }
}

/// The file of this program.
enum OwnProgram {
  static func path() throws -> String {
    try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
  }
}
