import Foundation
import Logging
import NIOCore
import ObjectStore
import PostgresEngine
import Repository
import TestSupport

/// A real server whose WAL goes into a directory, with all that a recovery needs.
final class ArchivedDatabase: Sendable {
  let server: TestPostgres
  let scratch: ScratchDirectory
  let store: any ObjectStore
  let repository: Repository
  let slot = "tidemark"
  private static let password = "a password for tests"

  private init(_ server: TestPostgres, _ scratch: ScratchDirectory, _ repository: Repository, _ store: any ObjectStore)
  {
    (self.server, self.scratch, self.repository, self.store) = (server, scratch, repository, store)
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
    return ArchivedDatabase(server, scratch, repository, store)
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
    let scratch = try ScratchDirectory("restored")
    let data = scratch.file("data")
    let config = scratch.file("fetch.json")
    let fetch = WALFetch.Configuration(plan, spool: spooled ? "\(data)/pg_wal/tidemark" : nil)
    try writeArchive(to: config, fetch)
    let command = "\(try builtProgram("tidemark-fixture")) wal-fetch --config \(config) %f %p"
    try await DatabaseRestore(
      repository: repository, plan: plan,
      restoreCommand: WALFetch.restoreCommand(spool: fetch.spool, command: command)
    ).run(into: data)
    try allowReading()
    let restored = try await TestPostgres.serve(dataDirectory: data, from: server, settings: settings)
    try await eventually(within: .seconds(60), "recovery ends; see \(restored.logFile)") {
      try await restored.psql("SELECT pg_is_in_recovery()") == "f"
    }
    return restored
  }

  /// A file for the fixture's programs.
  func writeArchive(to file: String, _ fetch: WALFetch.Configuration? = nil) throws {
    var json: [String: Any] = ["root": scratch.file("store"), "password": Self.password]
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

extension ArchivedDatabase {
  /// Where the stored WAL ends: everything before it is there.
  func archiveEnd(_ incarnation: IncarnationID? = nil) async throws -> LSN {
    let id: IncarnationID
    if let incarnation { id = incarnation } else { id = try await root }
    let catalog = try await catalog()
    let inventories = try await catalog.inventories(of: id)
    let runs = try await catalog.lineage(of: id, inventories, bases: []).coverage(inventories)
    return runs.last?.end ?? LSN(0)
  }

  /// Reads every stored byte as WAL: one unbroken chain of records with right checksums. Returns them.
  @discardableResult
  func verifyArchive(_ incarnation: IncarnationID? = nil) async throws -> [WALRecord] {
    let id: IncarnationID
    if let incarnation { id = incarnation } else { id = try await root }
    let catalog = try await catalog()
    let inventories = try await catalog.inventories(of: id)
    let lineage = try await catalog.lineage(of: id, inventories, bases: [])
    let runs = lineage.coverage(inventories)
    guard runs.count == 1 else { throw TestFailure("the archive has \(runs.count) stretches: \(runs)") }
    let archive = catalog.archive(id, lineage.segmentSize)
    var reader = WALRecordReader(
      start: LSN(runs[0].first * lineage.segmentSize.bytes), segmentSize: lineage.segmentSize)
    var records: [WALRecord] = []
    for number in runs[0].first...runs[0].last {
      guard let name = lineage.segment(number) else { throw TestFailure("no piece has segment \(number)") }
      if let whole = try await archive.segment(name) {
        records += try reader.feed(whole)
      } else if let beginning = try await archive.beginning(of: name) {
        records += try reader.feed(beginning.bytes)
      } else {
        throw TestFailure("\(name) is not there")
      }
    }
    return records
  }
}

extension ArchivedDatabase {
  /// Makes what a recovery produced an incarnation, as a clone's step does once it is promoted.
  func adopt(_ server: TestPostgres, _ plan: RecoveryPlan) async throws -> Incarnation {
    let connection = try await ReplicationConnection.connect(self.connection(to: server))
    let system = try await connection.identifySystem()
    let file = try await connection.timelineHistory(system.timeline)
    let size = try await connection.walSegmentSize()
    await connection.close()
    let history = try TimelineHistory(timeline: system.timeline, parsing: file.content)
    return try await Incarnation.fork(
      from: plan, history: history, systemIdentifier: system.systemIdentifier,
      majorVersion: connection.serverVersion.major, segmentSize: size, createdAt: .now
    ).create(in: store)
  }
}

extension ArchivedDatabase {
  /// A streaming standby of the server.
  func standby() async throws -> TestPostgres {
    let directory = try ScratchDirectory("standby")
    let data = directory.file("data")
    try await RunningProgram.run(
      "\(server.binaries)/pg_basebackup", ["-D", data, "-R", "-X", "stream", "-c", "fast"],
      environment: server.environment())
    return try await TestPostgres.serve(dataDirectory: data, from: server)
  }

  /// The root incarnation of what `server` serves.
  func rootOf(_ server: TestPostgres) async throws -> IncarnationID {
    .root(systemIdentifier: UInt64(try await server.psql("SELECT system_identifier FROM pg_control_system()")) ?? 0)
  }
}

extension ArchivedDatabase {
  /// Makes the archive's summaries what an earlier Tidemark would have written: nothing about tablespaces.
  func forgetTablespaces() async throws {
    let (catalog, root) = (try await catalog(), try await root)
    let inventory = try await catalog.inventories(of: root)[root] ?? WALInventory()
    let archive = catalog.archive(root, .standard)
    for (timeline, stored) in inventory.timelines {
      for number in stored.runs.flatMap({ $0 }) {
        let name = WALSegmentName(timeline: timeline, number: number, size: .standard)
        guard var commits = try await archive.commits(name), let bytes = try await archive.segment(name) else {
          throw TestFailure("\(name) is not there")
        }
        commits.tablespacesSoFar = nil
        try await store.delete([DatabaseLayout.commits(root, name)])
        try await archive.putSegment(name, bytes, commits: commits)
      }
      for name in Set(stored.partials.map(\.segment)) {
        guard var beginning = try await archive.beginning(of: name) else { throw TestFailure("\(name) is not there") }
        beginning.commits.tablespacesSoFar = nil
        try await store.delete(try await archive.partials(of: name).map { DatabaseLayout.partial(root, $0) })
        let whole = PartialSegmentName(segment: name, from: 0, to: UInt64(beginning.bytes.readableBytes))
        try await archive.putPartial(whole, beginning.bytes, commits: beginning.commits)
      }
    }
  }
}

extension ArchivedDatabase {
  /// The keys below a prefix.
  func objects(_ prefix: String) async throws -> [String] {
    try await store.list(prefix: prefix, startAfter: nil).collected().map(\.key)
  }

  func forget(_ base: RecoveryBase) async throws {
    guard let id = SnapshotID(base.snapshot) else { throw TestFailure("'\(base.snapshot)' is no id") }
    try await repository.forget(id)
  }
}
