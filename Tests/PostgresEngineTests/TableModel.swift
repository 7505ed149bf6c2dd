import PostgresEngine
import TestSupport

/// What a table held after each commit.
struct TableModel: Sendable {
  struct Moment: Sendable {
    let time: PostgresTime
    let lsn: LSN
    let xid: UInt32
    let rows: [Int: Int]
  }
  private(set) var moments: [Moment] = []
  private(set) var rows: [Int: Int] = [:]

  init() {}

  /// What a server knows that was recovered to the moment `index` of `other`.
  init(upTo index: Int, of other: TableModel) {
    moments = Array(other.moments[...index])
    rows = other.moments[index].rows
  }

  /// The rows as `SELECT k, v FROM t ORDER BY k` gives them.
  static func text(_ rows: [Int: Int]) -> String {
    rows.sorted { $0.key < $1.key }.map { "\($0.key)|\($0.value)" }.joined(separator: "\n")
  }

  /// Changes a few rows at random, in one transaction on the server and in the model.
  mutating func commit(on server: TestPostgres, _ random: inout some RandomNumberGenerator) async throws {
    var (next, statements): ([Int: Int], [String]) = (rows, [])
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      let (key, value) = (Int.random(in: 0..<40, using: &random), Int.random(in: 0..<1000, using: &random))
      if next[key] != nil, Bool.random(using: &random) {
        next[key] = nil
        statements.append("DELETE FROM t WHERE k = \(key)")
      } else {
        next[key] = value
        statements.append(
          "INSERT INTO t VALUES (\(key), \(value), repeat(md5(random()::text), 200)) "
            + "ON CONFLICT (k) DO UPDATE SET v = excluded.v")
      }
    }
    let answer = try await server.psql(
      "BEGIN; \(statements.joined(separator: "; ")); INSERT INTO mark VALUES (DEFAULT); COMMIT",
      """
      SELECT (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint || '|'
        || pg_current_wal_insert_lsn() || '|' || xmin FROM mark ORDER BY id DESC LIMIT 1
      """)
    let parts = answer.split(separator: "|").map(String.init)
    guard parts.count == 3, let micros = Int64(parts[0]), let lsn = LSN(parts[1]), let xid = UInt32(parts[2])
    else { throw TestFailure("unexpected '\(answer)'") }
    rows = next
    moments.append(Moment(time: PostgresTime(unixMicroseconds: micros), lsn: lsn, xid: xid, rows: next))
  }
}
