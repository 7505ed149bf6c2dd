import AsyncHTTPClient
import Foundation
import KubeClient
import KubeModel
import KubeRuntime
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL
import RESTFacade
import ServiceLifecycle
import Synchronization
import TestSupport
import TidemarkAPI

/// A facade in this process, on a namespace of a test's own at a real API server; and more replicas of it, on request.
///
/// Everything that it answers and logs is kept, so that a test can look for what must not be in there.
final class FacadeBed: Sendable {
  let kube: TestKube
  let client: KubeClient
  let namespace: String
  let http: HTTPClient
  let log: KeptLog
  /// All that was answered: heads and bodies.
  let answers = Kept()
  private let ports: [Int]

  /// Runs `body` with `replicas` facades that are ready; ends them after.
  static func with<Value: Sendable>(
    _ name: String, replicas: Int = 1, change: (inout FacadeConfiguration) -> Void = { _ in },
    platform: FacadePlatform = FacadePlatform(), _ body: (FacadeBed) async throws -> Value
  ) async throws -> Value {
    let kube = try await TestServers.kube()
    try await kube.kubectl("apply", "-f", Self.checkout("crds"))
    try await kube.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    let namespace = try await kube.makeNamespace(name)
    let log = KeptLog()
    let client = try KubeClient(configuration: .load(kubeconfig: kube.kubeconfig), logger: log.logger)
    var configuration = FacadeConfiguration(host: "127.0.0.1", port: 0, version: "test")
    configuration.namespaces = [namespace]
    configuration.limits.rate = nil
    configuration.limits.failedAuthentications = nil
    change(&configuration)
    var running: [RunningFacade] = []
    for _ in 0..<replicas {
      running.append(try await RunningFacade.start(configuration, client, platform, log.logger))
    }
    var settings = HTTPClient.Configuration()
    settings.redirectConfiguration = .disallow
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.certificateVerification = .none
    settings.tlsConfiguration = tls
    let bed = FacadeBed(
      kube: kube, client: client, namespace: namespace, http: HTTPClient(configuration: settings), log: log,
      ports: running.map(\.port))
    let result: Result<Value, any Error>
    do { result = .success(try await body(bed)) } catch { result = .failure(error) }
    try await bed.http.shutdown()
    for facade in running { await facade.stop() }
    await client.shutdown()
    if case .failure(let error) = result { throw FacadeBedFailed(error: error, log: log.text) }
    return try result.get()
  }

  private init(
    kube: TestKube, client: KubeClient, namespace: String, http: HTTPClient, log: KeptLog, ports: [Int]
  ) {
    (self.kube, self.client, self.namespace) = (kube, client, namespace)
    (self.http, self.log, self.ports) = (http, log, ports)
  }

  /// The port of a replica.
  func port(_ replica: Int = 0) -> Int { ports[replica] }

  /// A path in the checkout that this was built from.
  static func checkout(_ path: String) -> String {
    #filePath.split(separator: "/").dropLast(4).map { "/" + $0 }.joined() + "/" + path
  }

  // MARK: Calls

  /// Makes a call as the administrator, or with other headers.
  func call(
    _ method: String, _ path: String, _ json: String? = nil, headers: [String: String] = [:],
    as credentials: Credentials? = nil, replica: Int = 0, scheme: String = "http"
  ) async throws -> Reply {
    let full =
      path.hasPrefix("/api/") || path.hasPrefix("/healthz") || path.hasPrefix("/readyz")
        || path.hasPrefix("/openapi") ? path : "/api/v1" + path
    var request = HTTPClientRequest(url: "\(scheme)://127.0.0.1:\(ports[replica])\(full)")
    request.method = .RAW(value: method)
    switch credentials ?? .bearer(kube.token) {
    case .none: break
    case .bearer(let token): request.headers.add(name: "Authorization", value: "Bearer \(token)")
    case .key(let key): request.headers.add(name: "x-tidemark-key", value: key)
    }
    if let json {
      request.body = .bytes(ByteBuffer(string: json))
      if headers["Content-Type"] == nil { request.headers.add(name: "Content-Type", value: "application/json") }
    }
    for (name, value) in headers { request.headers.add(name: name, value: value) }
    let response = try await http.execute(request, timeout: .seconds(60))
    let body = try await response.body.collect(upTo: 64 << 20)
    let reply = Reply(
      status: Int(response.status.code),
      headers: Dictionary(response.headers.map { ($0.name.lowercased(), $0.value) }, uniquingKeysWith: { $1 }),
      body: String(buffer: body))
    answers.add("\(response.headers)\n\(reply.body)")
    return reply
  }

  /// What a caller shows.
  enum Credentials: Sendable {
    case none
    case bearer(String)
    case key(String)
  }

  // MARK: Resources

  /// Makes a Database, which no controller looks at, with a window and a destination of its own.
  @discardableResult
  func makeDatabase(
    _ name: String = "shop", destination: String = "offsite", window: RecoveryWindowStatus? = nil
  ) async throws -> Database {
    var spec = DatabaseSpec(connection: DatabaseConnection(host: "127.0.0.1", secretName: "\(name)-role"))
    spec.pitr = PITRSpec(destinationName: destination)
    let made = try await client.create(
      Database(metadata: ObjectMeta(name: name, namespace: namespace), spec: spec))
    guard let window else { return made }
    return try await setWindow(window, of: made)
  }

  @discardableResult
  func setWindow(_ window: RecoveryWindowStatus, of database: Database) async throws -> Database {
    var status = DatabaseStatus()
    status.recoveryWindow = window
    let changed = try await client.applyStatus(
      Database.self, database.key, status: status, fieldManager: "test", conflicts: .force)
    // Each replica's cache is behind the write for a moment.
    for replica in ports.indices {
      try await eventually("replica \(replica) shows the window") {
        try await call("GET", "/databases/\(changed.metadata.uid ?? "")/recovery-window", replica: replica)
          .body.contains("\(window.latest?.description ?? "")")
      }
    }
    return changed
  }

  /// A window of some days, with a gap within.
  static let window = RecoveryWindowStatus(
    earliest: MicroTime("2026-01-10T00:00:00Z"), latest: MicroTime("2026-01-20T00:00:00Z"), latestLSN: "0/5000000",
    gaps: [
      RecoveryGapStatus(
        from: MicroTime(microsecondsSince1970: 1_768_435_200_000_000),
        to: MicroTime(microsecondsSince1970: 1_768_438_800_000_000), reason: "the slot was lost")
    ])

  /// Makes a destination through the API.
  @discardableResult
  func makeDestination(_ name: String = "offsite") async throws -> Reply {
    try await call("POST", "/settings/backup-destinations", Self.destination(name)).expect(201)
  }

  static let accessKey = "AKIAIOSFODNN7EXAMPLE"
  static let secretKey = "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY"

  static func destination(_ name: String = "offsite", bucket: String = "acme") -> String {
    """
    {"name": "\(name)", "provider": "minio", "access_key": "\(accessKey)", "secret_key": "\(secretKey)",
     "bucket": "\(bucket)", "endpoint": "http://127.0.0.1:9"}
    """
  }

  /// A Backup in a phase.
  @discardableResult
  func makeBackup(_ name: String, phase: BackupPhase, database: String = "shop") async throws -> Backup {
    let made = try await client.create(
      Backup(
        metadata: ObjectMeta(name: name, namespace: namespace),
        spec: BackupSpec(target: BackupTarget(database: database), destinationName: "offsite")))
    var status = BackupStatus()
    status.phase = phase
    return try await client.applyStatus(
      Backup.self, made.key, status: status, fieldManager: "test", conflicts: .force)
  }

  /// A RestoreRequest in a phase.
  @discardableResult
  func makeRestore(_ name: String, phase: RestorePhase, database: String = "shop") async throws -> RestoreRequest {
    var source = RestoreSource()
    source.backupName = "b"
    let made = try await client.create(
      RestoreRequest(
        metadata: ObjectMeta(name: name, namespace: namespace),
        spec: RestoreRequestSpec(source: source, target: BackupTarget(database: database))))
    var status = RestoreRequestStatus()
    status.phase = phase
    return try await client.applyStatus(
      RestoreRequest.self, made.key, status: status, fieldManager: "test", conflicts: .force)
  }

  /// Waits until a GET of a path answers so.
  func eventuallyGet(_ path: String, replica: Int = 0, _ isRight: (Reply) -> Bool) async throws {
    try await eventually("GET \(path) answers as expected") {
      isRight(try await call("GET", path, replica: replica))
    }
  }
}

/// An answer as a client sees it.
struct Reply: Sendable {
  let status: Int
  let headers: [String: String]
  let body: String

  /// The body as JSON; null where it is none.
  var json: JSONValue { (try? JSONDecoder().decode(JSONValue.self, from: Data(body.utf8))) ?? .null }
  /// What was asked for.
  var data: JSONValue { json["data"] ?? .null }
  /// The items of a list.
  var items: [JSONValue] {
    guard case .array(let items) = data else { return [] }
    return items
  }
  var code: String { json["error"]?["code"]?.text ?? "" }
  var message: String { json["error"]?["message"]?.text ?? "" }
  var id: String { data["id"]?.text ?? "" }
  /// What is wrong with a field.
  func field(_ name: String) -> String { json["error"]?["fields"]?[name]?.text ?? "" }

  /// This reply, if it has the status.
  @discardableResult
  func expect(_ status: Int) throws -> Reply {
    guard self.status == status else { throw BedError("expected \(status) and got \(self.status): \(body)") }
    return self
  }
}

/// Texts that are kept, in order.
final class Kept: Sendable {
  private let texts = Mutex<[String]>([])
  func add(_ text: String) { texts.withLock { $0.append(text) } }
  var text: String { texts.withLock { $0.joined(separator: "\n") } }
}

/// A log that keeps every line, at every level.
final class KeptLog: Sendable {
  private let kept = Kept()
  var text: String { kept.text }
  var logger: Logger {
    var logger = Logger(label: "facade") { [kept] _ in Handler(kept: kept) }
    logger.logLevel = .trace
    return logger
  }

  private struct Handler: LogHandler {
    let kept: Kept
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }
    func log(event: LogEvent) {
      kept.add("\(event.level) \(event.message) \(metadata.merging(event.metadata ?? [:]) { $1 })")
    }
  }
}

/// One facade with its caches.
struct RunningFacade {
  let port: Int
  private let group: ServiceGroup
  private let task: Task<Void, any Error>

  static func start(
    _ configuration: FacadeConfiguration, _ client: KubeClient, _ platform: FacadePlatform, _ logger: Logger
  ) async throws -> RunningFacade {
    let runtime = Runtime(
      client: client, namespaces: configuration.namespaces.isEmpty ? .all : .only(configuration.namespaces),
      logger: logger)
    let port = AsyncStream<Int>.makeStream()
    let facade = try RESTFacade(
      configuration, client: client, runtime: runtime, platform: platform, logger: logger,
      onListening: { port.continuation.yield($0) })
    let group = ServiceGroup(services: [runtime, facade], logger: logger)
    let task = Task { try await group.run() }
    var iterator = port.stream.makeAsyncIterator()
    guard let bound = await iterator.next() else { throw BedError("the facade does not listen") }
    try await eventually("the facade is ready") { runtime.isReady }
    return RunningFacade(port: bound, group: group, task: task)
  }

  func stop() async {
    await group.triggerGracefulShutdown()
    _ = try? await task.value
  }
}

/// A bed that is not as it should be.
struct BedError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// What went wrong, with the end of the log.
struct FacadeBedFailed: Error, CustomStringConvertible {
  let error: any Error
  let log: String
  var description: String { "\(error)\n\(log.suffix(4000))" }
}
