import Foundation
import Logging
import ObjectStore
import PostgresEngine
import Repository
import TestSupport

/// A real server whose WAL goes into a directory or a bucket, with all that a recovery needs.
final class ArchivedDatabase: Sendable {
  let server: TestPostgres
  let scratch: ScratchDirectory
  let store: any ObjectStore
  let repository: Repository
  let slot = "tidemark"
  /// Where the fixture's programs find the archive, when that is a bucket.
  private let bucket: FixtureBucket?
  private static let password = "a password for tests"

  private init(
    _ server: TestPostgres, _ scratch: ScratchDirectory, _ repository: Repository, _ store: any ObjectStore,
    _ bucket: FixtureBucket?
  ) {
    (self.server, self.scratch, self.repository, self.store) = (server, scratch, repository, store)
    self.bucket = bucket
  }

  /// A new server with an empty archive.
  static func start(_ change: (inout TestPostgres.Options) -> Void = { _ in }) async throws -> ArchivedDatabase {
    try await archive(try await TestPostgres.start(change))
  }

  /// An empty archive for a server that is there.
  static func archive(_ server: TestPostgres) async throws -> ArchivedDatabase {
    let scratch = try ScratchDirectory("archive")
    let store = DirectoryStore(root: scratch.file("store"))
    let repository = try await Repository.create(
      in: store.scoped(to: "repo"), password: RepositoryPassword(password))
    return ArchivedDatabase(server, scratch, repository, store, nil)
  }

  /// An empty archive in `store`, a bucket of a real S3 server, which the fixture's programs find at `bucket`.
  static func archive(
    _ server: TestPostgres, in store: any ObjectStore, _ bucket: FixtureBucket
  ) async throws -> ArchivedDatabase {
    let repository = try await Repository.create(
      in: store.scoped(to: "repo"), password: RepositoryPassword(password))
    return ArchivedDatabase(server, try ScratchDirectory("archive"), repository, store, bucket)
  }

  var root: IncarnationID {
    get async throws {
      let text = try await server.psql("SELECT system_identifier FROM pg_control_system()")
      return .root(systemIdentifier: UInt64(text) ?? 0)
    }
  }

  /// The replication role's connection to a server.
  func connection(to server: TestPostgres? = nil) -> PostgresConnectionSettings {
    let server = server ?? self.server
    return PostgresConnectionSettings(
      host: server.host, port: server.port, user: server.replicationUser,
      password: PostgresPassword(server.replicationPassword))
  }

  func catalog() async throws -> WALCatalog { try await .open(store: store, key: repository.key) }

  func bases() async throws -> [RecoveryBase] {
    try await repository.snapshots().compactMap { BaseBackupRecord(snapshot: $0).map(RecoveryBase.init) }
  }

  /// Runs `body` beside a receiver, which is ended then.
  func receiving<Value: Sendable>(
    _ incarnation: IncarnationID? = nil, from server: TestPostgres? = nil, store: (any ObjectStore)? = nil,
    flushInterval: Duration = .milliseconds(100), _ body: (ReceiverLog) async throws -> Value
  ) async throws -> Value {
    let log = ReceiverLog()
    let receiver = WALReceiver(
      configuration: .init(
        connection: connection(to: server), slot: slot, incarnation: incarnation, flushInterval: flushInterval),
      store: store ?? self.store, key: repository.key, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    ) { log.append($0) }
    let task = Task { try await receiver.run() }
    log.setEnd { task.cancel() }
    let watcher = Task {
      do { try await task.value } catch { log.ended(error) }
    }
    do {
      let value = try await body(log)
      task.cancel()
      await watcher.value
      return value
    } catch {
      task.cancel()
      await watcher.value
      throw log.failure ?? error
    }
  }

  /// Waits until the archive holds everything up to the server's present position.
  func archived(_ log: ReceiverLog, on server: TestPostgres? = nil) async throws {
    let text = try await (server ?? self.server).psql("SELECT pg_current_wal_flush_lsn()")
    guard let lsn = LSN(text) else { throw TestFailure("'\(text)' is no LSN") }
    try await eventually(within: .seconds(30), "the archive reaches \(lsn); \(log.last.map { "\($0)" } ?? "")") {
      if let failure = log.failure { throw failure }
      return log.last?.lastLSN.map { $0 >= lsn } ?? false
    }
  }

  @discardableResult
  func baseBackup(_ incarnation: IncarnationID? = nil, of server: TestPostgres? = nil) async throws -> RecoveryBase {
    let id: IncarnationID
    if let incarnation { id = incarnation } else { id = try await root }
    let outcome = try await BaseBackup.run(
      from: connection(to: server), into: repository, BaseBackupOptions(incarnation: id),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    return RecoveryBase(outcome.record)
  }

  func plan(_ target: RecoveryTarget, _ incarnation: IncarnationID? = nil) async throws -> RecoveryPlan {
    let id: IncarnationID
    if let incarnation { id = incarnation } else { id = try await root }
    return try await Preflight(catalog: try await catalog(), bases: try await bases()).plan(target, incarnation: id)
  }

  func window(_ incarnation: IncarnationID? = nil) async throws -> RecoveryWindow {
    let id: IncarnationID
    if let incarnation { id = incarnation } else { id = try await root }
    return try await RecoveryWindow.read(id, from: try await catalog(), bases: try await bases()).window
  }

  /// Recovers to a target into a new server, which is up and promoted on return.
  func recover(
    _ target: RecoveryTarget, _ incarnation: IncarnationID? = nil, settings: [String: String] = [:],
    spooled: Bool = true
  ) async throws -> TestPostgres {
    try await recover(try await plan(target, incarnation), settings: settings, spooled: spooled)
  }

  func recover(
    _ plan: RecoveryPlan, settings: [String: String] = [:], spooled: Bool = true
  ) async throws -> TestPostgres {
    let restored = try await replay(plan, settings: settings, spooled: spooled)
    try await eventually(within: .seconds(60), "recovery ends; see \(restored.logFile)") {
      try await restored.psql("SELECT pg_is_in_recovery()") == "f"
    }
    return restored
  }

  /// Restores, and starts a new server, which recovers. `through` changes the part of `restore_command` that is run when
  /// the spool has not got the file, `around` all of it.
  func replay(
    _ plan: RecoveryPlan, settings: [String: String] = [:], spooled: Bool = true,
    through: (String) -> String = { $0 }, around: (String) -> String = { $0 }
  ) async throws -> TestPostgres {
    let scratch = try ScratchDirectory("restored")
    let data = scratch.file("data")
    let config = scratch.file("fetch.json")
    let fetch = WALFetch.Configuration(plan, spool: spooled ? "\(data)/pg_wal/tidemark" : nil)
    try writeArchive(to: config, fetch)
    let command = through("\(try builtProgram("tidemark-fixture")) wal-fetch --config \(config) %f %p")
    try await DatabaseRestore(
      repository: repository, plan: plan,
      restoreCommand: around(WALFetch.restoreCommand(spool: fetch.spool, command: command))
    ).run(into: data)
    try allowReading()
    return try await TestPostgres.serve(dataDirectory: data, from: server, settings: settings)
  }

  /// A file for the fixture's programs.
  func writeArchive(to file: String, _ fetch: WALFetch.Configuration? = nil) throws {
    var json: [String: Any] = ["root": scratch.file("store"), "password": Self.password]
    if let bucket { json["bucket"] = try JSONSerialization.jsonObject(with: JSONEncoder().encode(bucket)) }
    if let fetch { json["fetch"] = try JSONSerialization.jsonObject(with: JSONEncoder().encode(fetch)) }
    try JSONSerialization.data(withJSONObject: json).write(to: URL(fileURLWithPath: file))
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
  }

  /// PostgreSQL runs as a user of its own, and so does its restore_command.
  private func allowReading() throws {
    let chmod = Process()
    chmod.executableURL = URL(fileURLWithPath: "/bin/chmod")
    chmod.arguments = ["-R", "a+rX", scratch.path]
    try chmod.run()
    chmod.waitUntilExit()
  }

  func remove() async throws {
    try await server.remove()
    scratch.remove()
  }
}

/// What a test finds wrong before it can expect anything.
struct TestFailure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
