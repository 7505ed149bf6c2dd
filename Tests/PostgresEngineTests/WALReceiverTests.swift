import Foundation
import ObjectStore
import PostgresEngine
import Synchronization
import TestSupport
import Testing

@Suite("Receiving WAL", .serialized)
struct WALReceiverTests {
  @Test("segments, partials and commits arrive, and the latest commit is the last one committed")
  func streaming() async throws {
    let database = try await ArchivedDatabase.start { $0.settings = ["track_commit_timestamp": "on"] }
    try await database.receiving { log in
      try await database.server.psql("CREATE TABLE t (i int)")
      for number in 0..<3 {
        try await database.server.psql("INSERT INTO t VALUES (\(number))", "SELECT pg_switch_wal()")
      }
      try await database.server.psql("INSERT INTO t VALUES (99)")
      try await database.archived(log)
      let micros = try await database.server.psql(
        "SELECT (extract(epoch FROM max(pg_xact_commit_timestamp(xmin))) * 1000000)::bigint FROM t")
      let committed = PostgresTime(unixMicroseconds: try #require(Int64(micros)))
      #expect(try await database.window().latest == nil, "no base backup yet")
      #expect(log.last?.lastCommitTime == committed)
      #expect(log.last?.lagBytes == 0)
      #expect(log.last?.lastSegment != nil)
    }
    try await database.remove()
  }

  @Test("what is confirmed to the server is in the archive, at every moment, under load and kills of the server")
  func confirmedIsDurable() async throws {
    let database = try await ArchivedDatabase.start()
    try await database.server.pgbench("-i", "-s", "2", "-q")
    try await database.receiving { log in
      // Before anything is stored the slot shows what the server reserved by itself, which nobody confirmed.
      try await database.archived(log)
      var confirmed: Set<LSN> = []
      for _ in 0..<2 {
        let load = try database.server.startClient("pgbench", "-c", "4", "-T", "60", "-n")
        let begun = ContinuousClock.now
        while ContinuousClock.now - begun < .seconds(2) {
          if let lsn = try await expectConfirmedIsStored(database) { confirmed.insert(lsn) }
        }
        #expect(load.isRunning)
        try await database.server.kill9()
        _ = try await load.wait(within: .seconds(30))
        try await database.server.start()
      }
      let load = try database.server.startClient("pgbench", "-c", "4", "-T", "4", "-n")
      while load.isRunning {
        if let lsn = try await expectConfirmedIsStored(database) { confirmed.insert(lsn) }
      }
      // Each a moment at which the receiver was connected and had told something new.
      #expect(confirmed.count >= 10)
      try await database.archived(log)
    }
    try await database.verifyArchive()
    try await database.remove()
  }

  /// Asks the server what was confirmed to it, then looks whether the archive has that. Nothing while no receiver is
  /// connected.
  private func expectConfirmedIsStored(_ database: ArchivedDatabase) async throws -> LSN? {
    let confirmed = try await database.server.psql(
      "SELECT restart_lsn FROM pg_replication_slots WHERE slot_name = 'tidemark' AND active")
    guard let lsn = LSN(confirmed) else { return nil }
    let end = try await database.archiveEnd()
    #expect(end >= lsn, "the server was told \(lsn), the archive ends at \(end)")
    return lsn
  }

  @Test("an object store that goes away and comes back loses nothing, and the server is kept waiting, not lost")
  func storeOutage() async throws {
    let database = try await ArchivedDatabase.start { $0.settings = ["wal_sender_timeout": "2s"] }
    let flaky = FlakyStore(database.store)
    try await database.receiving(store: flaky) { log in
      try await database.server.psql("CREATE TABLE t (i int, x text)")
      try await database.archived(log)
      flaky.isAway = true
      for number in 0..<5 {
        try await database.server.psql(
          "INSERT INTO t SELECT \(number), repeat(md5(random()::text), 100) FROM generate_series(1, 2000)",
          "SELECT pg_switch_wal()")
      }
      try await eventually("the outage is reported") { log.last?.phase == .retrying }
      let confirmed = try await database.server.psql("SELECT restart_lsn FROM pg_replication_slots")
      #expect(try await database.archiveEnd() >= LSN(confirmed) ?? LSN(0))
      flaky.isAway = false
      try await database.archived(log)
    }
    try await database.verifyArchive()
    try await database.remove()
  }

  @Test("a server of another system is refused, and nothing of it is written")
  func otherSystem() async throws {
    let database = try await ArchivedDatabase.start()
    try await database.receiving { log in try await database.archived(log) }
    let other = try await TestPostgres.start()
    let error = await #expect(throws: WALError.self) {
      try await database.receiving(from: other) { log in
        try await eventually("it is refused") { log.failure != nil }
        throw log.failure ?? TestFailure("it was not refused")
      }
    }
    #expect(error?.code == .systemMismatch)
    try await other.remove()
    try await database.remove()
  }

  @Test("two receivers at once do no harm: one streams, the other waits for its turn")
  func twoReceivers() async throws {
    let database = try await ArchivedDatabase.start()
    try await database.server.psql("CREATE TABLE t (i int)")
    try await database.receiving { first in
      try await database.archived(first)
      try await database.receiving { second in
        for number in 0..<20 { try await database.server.psql("INSERT INTO t VALUES (\(number))") }
        try await database.archived(first)
        #expect(second.failure == nil)
      }
    }
    try await database.verifyArchive()
    try await database.remove()
  }

  @Test("a promotion is followed: the history file first, then the new timeline, in one unbroken way")
  func promotion() async throws {
    let database = try await ArchivedDatabase.start()
    try await database.server.psql("CREATE TABLE t (i int)")
    let standby = try await database.standby()
    let recording = RecordingStore(database.store)
    try await database.receiving(from: standby, store: recording) { log in
      try await eventually("streaming") { log.last?.phase == .streaming || log.failure != nil }
      try await database.server.psql("INSERT INTO t VALUES (1)", "SELECT pg_switch_wal()", "INSERT INTO t VALUES (2)")
      let text = try await database.server.psql("SELECT pg_current_wal_flush_lsn()")
      let lsn = try #require(LSN(text))
      try await eventually("the archive reaches \(lsn)") { log.last?.lastLSN.map { $0 >= lsn } ?? false }
      try await database.server.stop()
      try await standby.psql("SELECT pg_promote()")
      try await standby.psql("INSERT INTO t VALUES (3)")
      try await database.archived(log, on: standby)
      #expect(log.last?.timeline == TimelineID(2))
    }
    let id = try await database.rootOf(standby)
    let stored = recording.stored
    let history = try #require(stored.firstIndex(of: DatabaseLayout.history(id, TimelineID(2))))
    let segments = DatabaseLayout.timeline(id, TimelineID(2))
    #expect(history < (try #require(stored.firstIndex { $0.hasPrefix(segments) })))
    let records = try await database.verifyArchive(id)
    #expect(records.contains { if case .commit = $0.kind { true } else { false } })
    try await standby.remove()
    try await database.remove()
  }

  @Test("a receiver that ended at its very beginning, the second segment stored and the first not, loses nothing")
  func holeAtTheBeginning() async throws {
    let database = try await ArchivedDatabase.start { $0.segmentMegabytes = 1 }
    try await database.server.psql("CREATE TABLE t (i int)")
    let first = Mutex<String?>(nil)
    let holding = FlakyStore(database.store) { key in
      // The first whole segment that comes, and its parts.
      guard key.contains("/wal/"), let name = key.split(separator: "/").last, name.count >= 24 else { return false }
      let segment = String(name.prefix(24))
      return first.withLock { held in
        held = held ?? segment
        return held == segment
      }
    }
    let began = try await database.receiving(store: holding, flushInterval: .seconds(60)) { log in
      try await eventually("streaming") { log.last?.phase == .streaming }
      for number in 0..<2 {
        try await database.server.psql("INSERT INTO t VALUES (\(number))", "SELECT pg_switch_wal()")
      }
      let root = try await database.root
      return try await eventually("a later segment is stored") {
        let inventory = try await database.catalog().inventories(of: root)[root]
        return inventory?.timelines[TimelineID(1)]?.runs.first?.lowerBound
      }
    }
    let held = try #require(first.withLock { $0 })
    let size = try #require(WALSegmentSize(bytes: 1 << 20))
    let lost = try #require(WALSegmentName(held, size: size)).number
    #expect(began == lost + 1)
    try await database.receiving { log in
      try await database.server.psql("INSERT INTO t VALUES (9)")
      try await database.archived(log)
      #expect(log.last?.newGap == nil)
    }
    try await database.verifyArchive()
    let root = try await database.root
    let inventory = try await database.catalog().inventories(of: root)[root]
    #expect(inventory?.timelines[TimelineID(1)]?.runs.first?.lowerBound == lost)
    try await database.remove()
  }
}
