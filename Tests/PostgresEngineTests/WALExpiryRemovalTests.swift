import Logging
import ObjectStore
import PostgresEngine
import TestSupport
import Testing

@Suite("Removing log that has expired", .serialized)
struct WALExpiryRemovalTests {
  private func expire(_ database: ArchivedDatabase) async throws -> Int {
    let catalog = try await database.catalog()
    let expiry = try await catalog.expiry(bases: try await database.bases(), archived: try await database.root)
    return try await catalog.remove(expiry, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  private func insert(_ number: Int, _ database: ArchivedDatabase, _ log: ReceiverLog) async throws {
    try await database.server.psql("INSERT INTO t VALUES (\(number))", "SELECT pg_switch_wal()")
    try await database.archived(log)
  }

  @Test(
    "with the last base backup before a gap its note goes too; a removal cut short looks like no loss to a receiver")
  func gap() async throws {
    let database = try await ArchivedDatabase.start { $0.segmentMegabytes = 1 }
    let (server, root) = (database.server, try await database.root)
    try await server.psql("CREATE TABLE t (i int PRIMARY KEY)")
    let first = try await database.receiving { log in
      try await insert(0, database, log)
      let first = try await database.baseBackup()
      for number in 1...6 { try await insert(number, database, log) }
      return first
    }
    #expect(try await expire(database) > 0, "what lies before the first base backup")
    #expect(try await expire(database) == 0)

    try await eventually("the slot is free") {
      try await server.psql("SELECT active FROM pg_replication_slots") == "f"
    }
    try await server.psql("SELECT pg_drop_replication_slot('tidemark')")
    for _ in 0..<3 {
      try await server.psql("CREATE TABLE u ()", "DROP TABLE u", "SELECT pg_switch_wal()", "CHECKPOINT")
    }
    let second = try await database.receiving { log in
      try await eventually("the gap is noticed") { log.last?.newGap != nil || log.failure != nil }
      try await insert(7, database, log)
      let second = try await database.baseBackup()
      try await insert(8, database, log)
      return second
    }
    let known = try await database.catalog().inventories(of: root)
    #expect(known[root]?.gaps.count == 1)

    // As a removal leaves it that was killed: of what is to go, something in the middle has gone.
    try await database.forget(first)
    let log = try await database.objects(DatabaseLayout.timeline(root, TimelineID(1)))
    try await database.store.delete([log[3]])
    try await database.receiving { log in
      try await insert(9, database, log)
      #expect(log.last?.newGap == nil)
    }
    #expect(try await expire(database) > 0)
    #expect(try await database.objects(DatabaseLayout.gaps(root)).isEmpty)
    let needed = WALSegmentName(timeline: TimelineID(1), containing: second.startLSN, size: second.segmentSize)
    let left = try await database.objects("incarnations/\(root)/wal/") + database.objects(DatabaseLayout.commits(root))
    for key in left {
      let name = try #require(key.split(separator: "/").last).prefix(24)
      #expect(name >= needed.description, "\(key)")
    }

    let window = try await database.window()
    #expect(window.spans.count == 1 && window.gaps.isEmpty && window.earliest == second.stopTime)
    // Who had listed it before sees that it is gone.
    let catalog = try await database.catalog()
    #expect(try await catalog.inventories(of: root, since: known) == catalog.inventories(of: root))
    try await database.receiving { log in
      try await insert(10, database, log)
      #expect(log.last?.newGap == nil)
    }
    let restored = try await database.recover(.latest)
    #expect(try await restored.psql("SELECT count(*), max(i) FROM t") == "11|10")
    try await restored.remove()
    try await database.remove()
  }

  @Test("without any base backup no log goes, and a life that is not archived any more goes whole but for its document")
  func whole() async throws {
    let database = try await ArchivedDatabase.start { $0.segmentMegabytes = 1 }
    let (server, root) = (database.server, try await database.root)
    try await server.psql("CREATE TABLE t (i int PRIMARY KEY)")
    try await database.receiving { log in
      for number in 0..<3 { try await insert(number, database, log) }
    }
    let all = try await database.objects("incarnations/")
    #expect(try await expire(database) == 0, "no base backup")
    let elsewhere = RecoveryBase(
      snapshot: "s", incarnation: IncarnationID.fresh(), timeline: TimelineID(1), startLSN: LSN(1), stopLSN: LSN(2),
      stopTime: PostgresTime(microseconds: 0))
    let catalog = try await database.catalog()
    let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    for archived in [root, nil] {
      let expiry = try await catalog.expiry(bases: [elsewhere], archived: archived)
      #expect(try await catalog.remove(expiry, logger: quiet) == 0)
    }
    let retired = try await catalog.expiry(bases: [elsewhere], archived: elsewhere.incarnation)
    #expect(try await catalog.remove(retired, logger: quiet) == all.count - 1)
    #expect(try await database.objects("incarnations/") == [DatabaseLayout.incarnationDocument(root)])
    try await database.remove()
  }
}
