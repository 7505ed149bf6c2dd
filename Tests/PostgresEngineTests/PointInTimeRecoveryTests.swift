import Foundation
import PostgresEngine
import Repository
import TestSupport
import Testing

@Suite("Point-in-time recovery", .serialized)
struct PointInTimeRecoveryTests {
  @Test("every kind of target brings back exactly the rows that were committed by then, in any time zone")
  func targets() async throws {
    try await withEnvironment("PGTZ", "America/St_Johns") { try await recoverTargets() }
  }

  private func refusal(_ database: ArchivedDatabase, _ target: RecoveryTarget) async -> WALError.Code? {
    await #expect(throws: WALError.self) { try await database.plan(target) }?.code
  }

  private func recoverTargets() async throws {
    let database = try await ArchivedDatabase.start {
      $0.settings = RecoveryHistory.settings
      $0.timeZone = "Asia/Kolkata"
    }
    let server = database.server
    #expect(try await server.psql("SHOW timezone") == "America/St_Johns", "the client's zone counts for its session")
    try await server.psql("CREATE TABLE t (i int PRIMARY KEY)")
    var rows: [RecoveryHistory.Row] = []
    try await database.receiving { log in
      let tooEarly = try await RecoveryHistory.insert(0, into: server)
      try await database.archived(log)
      let base = try await database.baseBackup()
      for number in 1...5 {
        rows.append(try await RecoveryHistory.insert(number, into: server))
        if number == 3 {
          try await server.psql("SELECT pg_create_restore_point('before the mistake')", "SELECT pg_switch_wal()")
        }
      }
      let deleted = try await server.psql("DELETE FROM t", "SELECT pg_current_wal_lsn()")
      try await database.archived(log)
      #expect(LSN(deleted) != nil)

      // Before the first base backup's end.
      #expect(await refusal(database, .time(tooEarly.time)) == .targetOutsideWindow)
      #expect(await refusal(database, .lsn(LSN(base.stopLSN.bytes - 8))) == .targetOutsideWindow)
      #expect(await refusal(database, .name("never made")) == .targetNotFound)
      #expect(await refusal(database, .xid(4_000_000_000)) == .targetNotFound)
    }
    let window = try await database.window()
    #expect(window.spans.count == 1 && window.gaps.isEmpty)

    // Exactly at a commit, and one microsecond before it.
    try await RecoveryHistory.expect([0, 1, 2], database, .time(rows[1].time))
    try await RecoveryHistory.expect([0, 1], database, .time(rows[1].time.adding(microseconds: -1)))
    // Between two commits.
    let middle = (rows[2].time.microseconds + rows[3].time.microseconds) / 2
    try await RecoveryHistory.expect(
      [0, 1, 2, 3], database, .time(PostgresTime(microseconds: middle)), settings: ["timezone": "America/New_York"])
    try await RecoveryHistory.expect([0, 1, 2, 3], database, .name("before the mistake"))
    try await RecoveryHistory.expect([0, 1, 2, 3, 4], database, .xid(rows[3].xid))
    try await RecoveryHistory.expect([0, 1, 2, 3, 4], database, .lsn(rows[3].lsn))
    // At the last commit, past it, and simply the latest: PostgreSQL would refuse such a target time.
    try await RecoveryHistory.expect([], database, .latest)
    try await RecoveryHistory.expect([], database, .time(try #require(window.latest)))
    try await RecoveryHistory.expect(
      [], database, .time(try #require(window.latest).adding(microseconds: 3_600_000_000)))
    try await database.remove()
  }

  @Test("recovery works after max_connections and others were raised behind the base backup")
  func raisedSettings() async throws {
    let database = try await ArchivedDatabase.start { $0.settings = ["max_connections": "30"] }
    let server = database.server
    try await server.psql("CREATE TABLE t (i int PRIMARY KEY)")
    try await database.receiving { log in
      try await database.archived(log)
      try await database.baseBackup()
      try await server.psql(
        "ALTER SYSTEM SET max_connections = 90", "ALTER SYSTEM SET max_prepared_transactions = 12")
      try await server.restart()
      try await server.psql(
        "BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'one'", "COMMIT PREPARED 'one'")
      try await database.archived(log)
    }
    let restored = try await database.recover(.latest)
    #expect(try await RecoveryHistory.numbers(in: restored) == [1])
    #expect(try await Int(restored.psql("SHOW max_connections")) ?? 0 >= 90)
    #expect(try await Int(restored.psql("SHOW max_prepared_transactions")) ?? 0 >= 12)
    try await restored.remove()
    try await database.remove()
  }

  @Test("a tablespace comes back, and the original's directory is not touched")
  func tablespace() async throws {
    let database = try await ArchivedDatabase.start()
    let server = database.server
    let location = try ScratchDirectory("space")
    try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: location.path)
    let inner = "\(location.path)/inner"
    try await server.psql("COPY (SELECT 1) TO PROGRAM 'cat > /dev/null && mkdir -m 700 \(inner)'")
    try await server.psql("CREATE TABLESPACE space LOCATION '\(inner)'", "CREATE TABLE t (i int) TABLESPACE space")
    try await database.receiving { log in
      try await database.archived(log)
      try await database.baseBackup()
      try await server.psql("INSERT INTO t VALUES (7)")
      try await database.archived(log)
    }
    let restored = try await database.recover(.latest)
    #expect(try await RecoveryHistory.numbers(in: restored) == [7])
    try await restored.psql("DELETE FROM t", "CHECKPOINT")
    #expect(try await RecoveryHistory.numbers(in: server) == [7])
    try await restored.remove()
    try await database.remove()
  }

  @Test("a clone has a life of its own; its parent's moments, and its own, are recovered through the chain")
  func incarnations() async throws {
    let database = try await ArchivedDatabase.start { $0.settings = RecoveryHistory.settings }
    let server = database.server
    try await server.psql("CREATE TABLE t (i int PRIMARY KEY)")
    let root = try await database.root
    var rows: [RecoveryHistory.Row] = []
    try await database.receiving { log in
      try await database.archived(log)
      try await database.baseBackup()
      for number in 1...3 { rows.append(try await RecoveryHistory.insert(number, into: server)) }
      try await database.archived(log)
    }
    let plan = try await database.plan(.time(rows[1].time))
    let clone = try await database.recover(plan)
    let child = try await database.adopt(clone, plan)
    let own = try await database.receiving(child.id, from: clone) { log in
      let row = try await RecoveryHistory.insert(100, into: clone)
      try await database.archived(log, on: clone)
      return row
    }
    // Its parent goes on too, on a timeline of the same number after a promotion of its own would; here on its first.
    try await database.receiving { log in
      _ = try await RecoveryHistory.insert(4, into: server)
      try await database.archived(log)
    }
    try await RecoveryHistory.expect([1, 2, 3, 4], database, .latest, root)
    try await RecoveryHistory.expect([1, 2, 100], database, .latest, child.id)
    try await RecoveryHistory.expect([1], database, .time(rows[0].time), child.id)
    try await RecoveryHistory.expect([1, 2, 100], database, .time(own.time), child.id)
    try await clone.remove()
    try await database.remove()
  }

  @Test("the end of a base backup comes back from its snapshot alone: no archive, no incarnation, on any timeline")
  func endOfBaseBackup() async throws {
    let database = try await ArchivedDatabase.start()
    let server = database.server
    try await server.psql("CREATE TABLE t (i int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    let first = try await database.baseBackup()
    try await server.psql("INSERT INTO t VALUES (2)")
    let second = try await database.baseBackup()
    try await server.psql("INSERT INTO t VALUES (3)")
    #expect(try await database.catalog().tree.incarnations.isEmpty, "nothing is archived")
    try await RecoveryHistory.expect([1, 2], database, .backup(try #require(SnapshotID(second.snapshot))))
    let plan = try await database.plan(.backup(try #require(SnapshotID(first.snapshot))))
    #expect(plan.walSegments == 0 && plan.missing.isEmpty)
    let copy = try await database.recover(plan)
    #expect(try await RecoveryHistory.numbers(in: copy) == [1])

    // A base backup of what was restored, on a timeline whose history file lies in that server's pg_wal only.
    try await copy.psql("INSERT INTO t VALUES (10)")
    let third = try await database.baseBackup(IncarnationID.fresh(), of: copy)
    #expect(third.timeline == TimelineID(2))
    try await RecoveryHistory.expect([1, 10], database, .backup(try #require(SnapshotID(third.snapshot))))

    let error = await #expect(throws: WALError.self) {
      try await database.plan(.backup(try #require(SnapshotID(String(repeating: "0", count: 64)))))
    }
    #expect(error?.code == .noBaseBackup)
    try await copy.remove()
    try await database.remove()
  }
}
