import PostgresEngine
import TestSupport
import Testing

@Suite("Recovery around a gap in the log", .serialized)
struct RecoveryGapTests {
  @Test("a lost slot leaves a gap that the window shows; targets in it are refused, those around it recovered")
  func gap() async throws {
    let database = try await ArchivedDatabase.start { $0.settings = RecoveryHistory.settings }
    let server = database.server
    try await server.psql("CREATE TABLE t (i int PRIMARY KEY)")
    let before = try await database.receiving { log in
      try await database.archived(log)
      try await database.baseBackup()
      let row = try await RecoveryHistory.insert(1, into: server)
      try await database.archived(log)
      return row
    }
    try await eventually("the slot is free") {
      try await server.psql("SELECT active FROM pg_replication_slots") == "f"
    }
    try await server.psql("SELECT pg_drop_replication_slot('tidemark')")
    let lost = try await RecoveryHistory.insert(2, into: server)
    for _ in 0..<3 { try await server.psql("SELECT pg_switch_wal()", "CHECKPOINT") }
    let after = try await database.receiving { log in
      try await eventually("the gap is noticed") { log.last?.newGap != nil || log.failure != nil }
      try await database.archived(log)
      let unbased = try await database.window()
      #expect(unbased.gaps.count == 1 && unbased.gaps.first?.to == nil, "no base backup after the gap yet")
      try await database.baseBackup()
      let row = try await RecoveryHistory.insert(3, into: server)
      try await database.archived(log)
      return row
    }
    let window = try await database.window()
    #expect(window.spans.count == 2)
    #expect(window.gaps.map(\.reason) == [.slotMissing])
    let error = await #expect(throws: WALError.self) { try await database.plan(.time(lost.time)) }
    #expect(error?.code == .targetInGap)
    try await RecoveryHistory.expect([1], database, .time(before.time))
    try await RecoveryHistory.expect([1, 2, 3], database, .time(after.time))
    try await database.remove()
  }

  @Test("a slot that the server gave up leaves a gap with that reason, is made anew, and a base backup ends the gap")
  func slotGivenUp() async throws {
    let database = try await ArchivedDatabase.start {
      $0.settings = RecoveryHistory.settings.merging(["max_slot_wal_keep_size": "2MB"]) { _, new in new }
      $0.segmentMegabytes = 1
    }
    let server = database.server
    try await server.psql("CREATE TABLE t (i int PRIMARY KEY)")
    let before = try await database.receiving { log in
      try await database.archived(log)
      try await database.baseBackup()
      let row = try await RecoveryHistory.insert(1, into: server)
      try await database.archived(log)
      return row
    }
    let slot = "SELECT wal_status || '|' || active FROM pg_replication_slots WHERE slot_name = 'tidemark'"
    try await eventually("the slot is free") { try await server.psql(slot).hasSuffix("|false") }
    let lost = try await RecoveryHistory.insert(2, into: server)
    for _ in 0..<8 { try await server.psql("SELECT pg_logical_emit_message(false, '', 'x')", "SELECT pg_switch_wal()") }
    try await eventually("the slot's log is given up") {
      try await server.psql("CHECKPOINT")
      return try await server.psql(slot) == "lost|false"
    }
    let after = try await database.receiving { log in
      try await eventually("the gap is noticed") { log.last?.newGap != nil || log.failure != nil }
      #expect(log.last?.newGap?.reason == .slotInvalidated)
      try await database.archived(log)
      #expect(try await server.psql(slot) == "reserved|true")
      try await database.baseBackup()
      let row = try await RecoveryHistory.insert(3, into: server)
      try await database.archived(log)
      return row
    }
    let window = try await database.window()
    #expect(window.spans.count == 2)
    #expect(window.gaps.map(\.reason) == [.slotInvalidated])
    let error = await #expect(throws: WALError.self) { try await database.plan(.time(lost.time)) }
    #expect(error?.code == .targetInGap)
    try await RecoveryHistory.expect([1], database, .time(before.time))
    try await RecoveryHistory.expect([1, 2, 3], database, .time(after.time))

    // The slot is given up while the receiver stands still, as it does before a store that is away.
    let flaky = FlakyStore(database.store)
    try await database.receiving(store: flaky) { log in
      try await database.archived(log)
      flaky.isAway = true
      for _ in 0..<12 {
        try await server.psql("SELECT pg_logical_emit_message(false, '', repeat('x', 900000))", "CHECKPOINT")
      }
      try await eventually(within: .seconds(30), "the slot's log is given up") {
        try await server.psql("SELECT pg_switch_wal()", "CHECKPOINT")
        return try await server.psql(slot).hasPrefix("lost|")
      }
      flaky.isAway = false
      try await eventually(within: .seconds(60), "the slot is made anew") {
        try await server.psql(slot) == "reserved|true"
      }
      try await database.archived(log)
      #expect(log.last?.newGap?.reason == .slotInvalidated)
    }
    try await database.remove()
  }
}
