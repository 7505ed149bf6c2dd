import PostgresEngine
import TestSupport

/// One client of the server, which changes rows of its own at random, and remembers what each transaction did.
///
/// Its transactions are committed, rolled back, or prepared and ended by a later one.
struct ModelWriter: Sendable {
  typealias Edits = [Int: Int?]

  /// What each transaction that may have been committed did: a value for a key, or nil where it deleted the key.
  private(set) var edits: [UInt32: Edits] = [:]
  /// Transactions that were rolled back on purpose.
  private(set) var rolledBack: Set<UInt32> = []
  /// Transactions that were prepared.
  private(set) var prepared: Set<UInt32> = []
  private let name: String
  private let keys: Range<Int>
  private var random: SeededGenerator
  private var isPrepared = false

  /// A writer of rows whose keys are `keys`; those in the upper half of them for prepared transactions, whose locks
  /// would keep others waiting.
  init(_ name: String, keys: Range<Int>, seed: UInt64) {
    (self.name, self.keys, random) = (name, keys, SeededGenerator(seed: seed))
  }

  /// One to three transactions, one after the other.
  mutating func write(to server: TestPostgres) async throws {
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      switch Int.random(in: 0..<10, using: &random) {
      case 0: rolledBack.insert(try await run(in: lower, end: "ROLLBACK", on: server).xid)
      case 1, 2: try await isPrepared ? finishPrepared(on: server) : prepare(on: server)
      default:
        let (xid, edits) = try await run(in: lower, end: "COMMIT", on: server)
        self.edits[xid] = edits
      }
    }
  }

  /// Ends what is prepared still.
  mutating func finish(on server: TestPostgres) async throws {
    if isPrepared { try await finishPrepared(on: server) }
  }

  private var lower: Range<Int> { keys.lowerBound..<keys.lowerBound + keys.count / 2 }
  private var upper: Range<Int> { lower.upperBound..<keys.upperBound }

  private mutating func prepare(on server: TestPostgres) async throws {
    let (xid, edits) = try await run(in: upper, end: "PREPARE TRANSACTION '\(name)'", on: server)
    self.edits[xid] = edits
    prepared.insert(xid)
    isPrepared = true
  }

  private mutating func finishPrepared(on server: TestPostgres) async throws {
    try await server.psql("\(Int.random(in: 0..<4, using: &random) == 0 ? "ROLLBACK" : "COMMIT") PREPARED '\(name)'")
    isPrepared = false
  }

  private mutating func run(
    in keys: Range<Int>, end: String, on server: TestPostgres
  ) async throws -> (xid: UInt32, edits: Edits) {
    var (edits, statements): (Edits, [String]) = ([:], [])
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      let (key, value) = (Int.random(in: keys, using: &random), Int.random(in: 0..<1000, using: &random))
      if Int.random(in: 0..<3, using: &random) == 0 {
        edits[key] = .some(nil)
        statements.append("DELETE FROM t WHERE k = \(key)")
      } else {
        edits[key] = value
        statements.append(
          "INSERT INTO t VALUES (\(key), \(value), repeat(md5(random()::text), 200)) "
            + "ON CONFLICT (k) DO UPDATE SET v = excluded.v, filler = excluded.filler")
      }
    }
    let answer = try await server.psql(
      "BEGIN; SELECT pg_current_xact_id(); \(statements.joined(separator: "; ")); \(end)")
    guard let xid = UInt32(answer) else { throw TestFailure("'\(answer)' is no transaction's number") }
    return (xid, edits)
  }
}

/// What a table held after each commit, in the order of the log.
struct RecoveryModel: Sendable {
  struct Moment: Sendable {
    let xid: UInt32
    let time: PostgresTime
    /// Where the commit's record begins.
    let start: LSN
    /// The table after it.
    let rows: [Int: Int]
  }

  let moments: [Moment]
  /// After each end of a transaction, also of those that are not the model's.
  private let states: [(time: PostgresTime, rows: [Int: Int])]

  /// The order in which `writers`' transactions were committed is what pg_waldump says.
  init(_ writers: [ModelWriter], order: [WALDump.Transaction]) {
    let edits = writers.reduce(into: [:]) { $0.merge($1.edits) { first, _ in first } }
    var (rows, moments): ([Int: Int], [Moment]) = ([:], [])
    states = order.map { transaction in
      if transaction.ending == .commit, let edits = edits[transaction.xid] {
        for (key, value) in edits { rows[key] = value }
        moments.append(Moment(xid: transaction.xid, time: transaction.time, start: transaction.start, rows: rows))
      }
      return (transaction.time, rows)
    }
    self.moments = moments
  }

  /// The table as of a time: replay stops before the first end of a transaction that is later.
  ///
  /// Two clients' ends may lie in the log in another order than that of their times.
  func rows(at time: PostgresTime) -> [Int: Int] {
    let first = states.firstIndex { $0.time > time } ?? states.endIndex
    return first > 0 ? states[first - 1].rows : [:]
  }
}

/// The same numbers each time for the same seed, which a failure names.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
