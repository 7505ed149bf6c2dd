import PostgresEngine
import TestSupport
import Testing

@Suite("Commits of stored segments", .serialized)
struct CommitSummaryTests {
  @Test("each stored segment's first and last commit, times and transactions are those that pg_waldump sees in it")
  func waldump() async throws {
    let database = try await ArchivedDatabase.start {
      $0.settings = ["max_prepared_transactions": "5"]
      $0.segmentMegabytes = 1
    }
    let server = database.server
    try await database.receiving { log in
      try await server.pgbench("-i", "-q", "-s", "1")
      try await server.psql("CREATE TABLE t (i int, x text)")
      let load = try server.startClient("pgbench", "-n", "-c", "3", "-t", "500")
      for number in 0..<8 {
        // Long records, so that some cross from one segment into the next; rollbacks; transactions in two phases.
        let row = "INSERT INTO t SELECT \(number), string_agg(md5(random()::text), '') FROM generate_series(1, 200)"
        try await server.psql("BEGIN; \(row); ROLLBACK")
        try await server.psql("BEGIN; \(row); PREPARE TRANSACTION 'p'", row)
        try await server.psql(number.isMultiple(of: 2) ? "COMMIT PREPARED 'p'" : "ROLLBACK PREPARED 'p'")
        if number == 5 { try await server.psql("SELECT pg_switch_wal()") }
      }
      try await load.wait(within: .seconds(60))
      try await server.psql("SELECT pg_switch_wal()")
      try await database.archived(log)
    }
    let (segments, dump) = try await database.dump()
    try #require(segments.count > 6, "\(segments)")
    let archive = try await database.catalog().archive(database.root, segments[0].size)
    for segment in segments {
      let summary = try #require(try await archive.commits(segment))
      // A record belongs to the segment in which it ends.
      let seen = dump.transactions.filter { $0.end > segment.start && $0.end <= segment.end }
      let commits = seen.filter { $0.ending == .commit }
      #expect(summary.count == commits.count, "\(segment)")
      #expect(summary.first == commits.first?.point, "\(segment)")
      #expect(summary.last == commits.last?.point, "\(segment)")
      #expect(summary.earliestTime == commits.map(\.time).min(), "\(segment)")
      #expect(summary.latestTime == commits.map(\.time).max(), "\(segment)")
      #expect(summary.lowestXID == seen.map(\.xid).min(), "\(segment)")
      #expect(summary.highestXID == seen.map(\.xid).max(), "\(segment)")
    }
    #expect(dump.transactions.contains { $0.ending == .abort })
    #expect(dump.transactions.count > 1500)
    try await database.remove()
  }
}

extension WALDump.Transaction {
  fileprivate var point: CommitSummary.Point { CommitSummary.Point(time: time, start: start, lsn: end) }
}
