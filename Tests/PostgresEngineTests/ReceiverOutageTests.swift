import PostgresEngine
import TestSupport
import Testing

@Suite("Receiving WAL into a real S3 server that goes away", .serialized)
struct ReceiverOutageTests {
  /// How long the store is away each time: the server gives a silent receiver up after half of it.
  private static let outage = Duration.seconds(10)
  private static let senderTimeout = "5s"

  @Test("S3 frozen, then killed, each time far longer than wal_sender_timeout and under load: nothing is lost")
  func outages() async throws {
    try await ArchivedDatabase.onS3 {
      $0.settings = ["wal_sender_timeout": Self.senderTimeout, "synchronous_commit": "off"]
      $0.segmentMegabytes = 1
    } _: { database, s3 in
      try await database.server.pgbench("-i", "-q", "-s", "2")
      try await database.receiving { log in
        try await database.archived(log)
        let load = try database.server.startClient("pgbench", "-n", "-c", "2", "-R", "400", "-T", "120")
        let walSender = try await sender(database)
        try await s3.freeze()
        try await expectNothingConfirmed(database)
        try await s3.thaw()
        try await database.archived(log)
        try await s3.kill9()
        try await expectNothingConfirmed(database)
        try await s3.start()
        #expect(load.isRunning)
        try await database.archived(log)
        try await load.kill()
        #expect(try await sender(database) == walSender, "the server kept waiting for one and the same receiver")
        try await othersEnded(database)
        // Waits for its own commit, so all commits before it lie in the log too.
        try await database.server.psql("SET synchronous_commit = on", "CREATE TABLE last ()")
        try await database.archived(log)
      }
      let commits = try await database.verifyArchive().filter {
        if case .commit = $0.kind { true } else { false }
      }
      let committed = try await database.server.psql("SELECT count(*) FROM pgbench_history")
      let count = try #require(Int(committed))
      #expect(commits.count >= count, "\(commits.count) commits are archived of \(count)")
      #expect(try await database.window().gaps.isEmpty)
    }
  }

  /// A client that was killed may leave a commit under way.
  private func othersEnded(_ database: ArchivedDatabase) async throws {
    try await eventually(within: .seconds(30), "no session is left but this one") {
      try await database.server.psql(
        """
        SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
        """) == "0"
    }
  }

  private func sender(_ database: ArchivedDatabase) async throws -> String {
    try await database.server.psql("SELECT pid FROM pg_stat_replication")
  }

  /// While the store is away, the server goes on writing for `outage`, and nothing of that is confirmed to it.
  private func expectNothingConfirmed(_ database: ArchivedDatabase) async throws {
    // After a checkpoint, pages go whole into the log.
    try await database.server.psql("CHECKPOINT")
    // What was under way when the store went may still be confirmed.
    try await Task.sleep(for: .milliseconds(500))
    let (confirmed, written) = try await positions(database)
    try await Task.sleep(for: Self.outage)
    let (confirmedThen, writtenThen) = try await positions(database)
    #expect(confirmedThen == confirmed)
    // More than the three segments that may be under way at once: the receiver has to stop reading.
    #expect(writtenThen - written > 4 << 20, "\(written) to \(writtenThen)")
  }

  private func positions(_ database: ArchivedDatabase) async throws -> (confirmed: LSN, written: LSN) {
    let text = try await database.server.psql(
      "SELECT restart_lsn FROM pg_replication_slots WHERE active", "SELECT pg_current_wal_flush_lsn()")
    let positions = text.split(separator: "\n").compactMap { LSN(String($0)) }
    guard positions.count == 2 else { throw TestFailure("no receiver is connected: '\(text)'") }
    return (positions[0], positions[1])
  }
}
