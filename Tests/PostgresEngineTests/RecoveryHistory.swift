import PostgresEngine
import TestSupport
import Testing

/// A table `t` with one row a commit, and the time and position of each.
enum RecoveryHistory {
  struct Row: Sendable {
    let number: Int
    let time: PostgresTime
    let lsn: LSN
    let xid: UInt32
  }

  static let settings = ["track_commit_timestamp": "on"]

  static func insert(_ number: Int, into server: TestPostgres) async throws -> Row {
    let answer = try await server.psql(
      "INSERT INTO t VALUES (\(number))",
      """
      SELECT (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint || '|'
        || pg_current_wal_insert_lsn() || '|' || xmin FROM t WHERE i = \(number)
      """)
    let parts = answer.split(separator: "|").map(String.init)
    guard parts.count == 3, let micros = Int64(parts[0]), let lsn = LSN(parts[1]), let xid = UInt32(parts[2])
    else { throw TestFailure("unexpected '\(answer)'") }
    return Row(number: number, time: PostgresTime(unixMicroseconds: micros), lsn: lsn, xid: xid)
  }

  /// The numbers of the rows that a server has.
  static func numbers(in server: TestPostgres) async throws -> [Int] {
    try await server.psql("SELECT i FROM t ORDER BY i").split(separator: "\n").compactMap { Int($0) }
  }

  /// Recovers to the target, and expects these rows there.
  static func expect(
    _ rows: [Int], _ database: ArchivedDatabase, _ target: RecoveryTarget, _ incarnation: IncarnationID? = nil,
    settings: [String: String] = [:]
  ) async throws {
    let restored = try await database.recover(target, incarnation, settings: settings)
    let found = try await numbers(in: restored)
    #expect(found == rows, "\(target)")
    try await restored.remove()
  }
}
