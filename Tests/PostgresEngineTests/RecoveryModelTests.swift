import Foundation
import PostgresEngine
import TestSupport
import Testing

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

@Suite("Proof by model", .serialized)
struct RecoveryModelTests {
  @Test("twenty random moments come back row by row, through restarts of the server and kills of the receiver")
  func proof() async throws {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SeededGenerator(seed: seed)
    let database = try await ArchivedDatabase.start {
      $0.settings = ["track_commit_timestamp": "on"]
      $0.segmentMegabytes = 1
    }
    let server = database.server
    try await server.psql(
      "CREATE TABLE t (k int PRIMARY KEY, v int, filler text)", "CREATE TABLE mark (id serial)")
    let config = database.scratch.file("receiver.json")
    try database.writeArchive(to: config)
    var receiver = try startReceiver(database, config)
    var model = TableModel()
    try await caughtUp(database)
    let first = try await database.baseBackup()
    for step in 1...160 {
      try await model.commit(on: server, &random)
      switch Int.random(in: 0..<40, using: &random) {
      case 0, 1, 2:
        try await receiver.kill()
        receiver = try startReceiver(database, config)
      case 3: try await server.restart()
      case 4:
        try await server.stop(.immediate)
        try await server.start()
      case 5, 6: try await server.psql("CHECKPOINT", "SELECT pg_switch_wal()")
      case 7 where step > 20: try await database.baseBackup()
      default: break
      }
    }
    try await caughtUp(database)
    try await receiver.kill()
    try await database.verifyArchive()
    let window = try await database.window()
    #expect(window.gaps.isEmpty && window.spans.count == 1, "seed \(seed)")
    #expect(window.latest.map { $0 >= model.moments[model.moments.count - 1].time } == true, "seed \(seed)")

    let reachable = model.moments.indices.filter { model.moments[$0].time >= first.stopTime }
    for round in 0..<20 {
      guard let index = reachable.randomElement(using: &random) else { throw TestFailure("nothing is reachable") }
      let moment = model.moments[index]
      let target: RecoveryTarget =
        switch round % 4 {
        case 0: .time(moment.time)
        case 1 where index + 1 < model.moments.count:
          .time(PostgresTime(microseconds: (moment.time.microseconds + model.moments[index + 1].time.microseconds) / 2))
        case 2: .lsn(moment.lsn)
        default: .xid(moment.xid)
        }
      let restored = try await database.recover(target, spooled: round % 2 == 0)
      let text = try await restored.psql("SELECT k, v FROM t ORDER BY k")
      #expect(text == TableModel.text(moment.rows), "seed \(seed), round \(round), \(target)")
      try await restored.remove()
    }
    try await database.remove()
  }

  private func startReceiver(_ database: ArchivedDatabase, _ config: String) throws -> RunningProgram {
    try RunningProgram.start(
      try builtProgram("tidemark-fixture"),
      [
        "wal-receive", "--config", config, "--port", "\(database.server.port)", "--user",
        database.server.replicationUser, "--flush-milliseconds", "50",
      ], environment: ["TIDEMARK_FIXTURE_PASSWORD": database.server.replicationPassword])
  }

  /// Waits until the archive holds all that the server has.
  private func caughtUp(_ database: ArchivedDatabase) async throws {
    let text = try await database.server.psql("SELECT pg_current_wal_flush_lsn()")
    guard let lsn = LSN(text) else { throw TestFailure("'\(text)' is no LSN") }
    try await eventually(within: .seconds(60), every: .milliseconds(200), "the archive reaches \(lsn)") {
      guard try await Incarnation.load(database.root, from: database.store) != nil else { return false }
      return try await database.archiveEnd() >= lsn
    }
  }
}
