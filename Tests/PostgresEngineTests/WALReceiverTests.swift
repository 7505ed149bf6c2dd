import Foundation
import ObjectStore
import PostgresEngine
import TestSupport
import Testing

@Suite("Receiving WAL", .serialized)
struct WALReceiverTests {
  @Test("segments, partials and commits arrive, and the latest commit is the last one committed")
  func streaming() async throws {
    let database = try await ArchivedDatabase.start()
    try await database.receiving { log in
      try await database.server.psql("CREATE TABLE t (i int)")
      for number in 0..<3 {
        try await database.server.psql("INSERT INTO t VALUES (\(number))", "SELECT pg_switch_wal()")
      }
      try await database.server.psql("INSERT INTO t VALUES (99)")
      try await database.archived(log)
      let time = try await database.server.psql(
        "SET timezone = 'UTC'",
        "SELECT to_char(max(pg_xact_commit_timestamp(xmin)), 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM t")
      _ = time
      #expect(log.last?.lagBytes == 0)
      #expect(log.last?.lastSegment != nil)
      #expect(log.last?.lastCommitTime != nil)
    }
    try await database.remove()
  }

  @Test("what is confirmed to the server is in the archive, at every moment, under load and kills of the server")
  func confirmedIsDurable() async throws {
    let database = try await ArchivedDatabase.start()
    try await database.server.pgbench("-i", "-s", "2", "-q")
    try await database.receiving { log in
      let load = try database.server.startClient("pgbench", "-c", "4", "-T", "6", "-n")
      for _ in 0..<20 {
        let confirmed = try await database.server.psql(
          "SELECT restart_lsn FROM pg_replication_slots WHERE slot_name = 'tidemark' AND active")
        guard let lsn = LSN(confirmed) else { continue }
        let end = try await database.archiveEnd()
        #expect(end >= lsn, "the server was told \(lsn), the archive ends at \(end)")
      }
      _ = try await load.wait(within: .seconds(60))
      try await database.server.kill9()
      try await database.server.start()
      try await database.server.psql("CREATE TABLE after_kill (i int)")
      try await database.archived(log)
    }
    try await database.verifyArchive()
    try await database.remove()
  }
}
