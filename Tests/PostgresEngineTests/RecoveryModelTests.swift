import PostgresEngine
import TestSupport
import Testing

@Suite("Proof by model", .serialized)
struct RecoveryModelTests {
  /// What happens beside the commits, in a random order.
  private enum Event: CaseIterable {
    case killReceiver, restartServer, crashServer, baseBackup, switchSegment

    static func shuffled(_ random: inout SeededGenerator) -> [Event] {
      let all = Array(repeating: Event.killReceiver, count: 6) + Array(repeating: .switchSegment, count: 3)
      return (all + [.restartServer, .crashServer, .baseBackup, .baseBackup]).shuffled(using: &random)
    }
  }

  @Test(
    "twenty random moments come back row by row, with two writers, through restarts of the server, kills of the receiver and base backups beside commits"
  )
  func proof() async throws {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SeededGenerator(seed: seed)
    let database = try await ArchivedDatabase.start {
      $0.settings = ["max_prepared_transactions": "5"]
      $0.segmentMegabytes = 1
    }
    let server = database.server
    try await server.psql("CREATE TABLE t (k int PRIMARY KEY, v int, filler text)")
    let config = database.scratch.file("receiver.json")
    try database.writeArchive(to: config)
    var receiver = try startReceiver(database, config)
    try await caughtUp(database)
    let firstBase = try await database.baseBackup()
    var writers = [
      ModelWriter("one", keys: 0..<60, seed: seed ^ 1), ModelWriter("two", keys: 60..<120, seed: seed ^ 2),
    ]
    var (basesDuringCommits, inFlight): (Int, Task<Int, any Error>?) = (0, nil)
    for event in Event.shuffled(&random) {
      switch event {
      case .killReceiver:
        // In the middle of whatever it does with what the writers write.
        let written = Task { [writers] in try await round(writers, server) }
        try await Task.sleep(for: .milliseconds(Int.random(in: 0..<100, using: &random)))
        try await receiver.kill()
        receiver = try startReceiver(database, config)
        writers = try await written.value
      case .restartServer, .crashServer:
        if let running = inFlight.take() { basesDuringCommits += try await running.value }
        if event == .restartServer { try await server.restart() } else { try await server.kill9() }
        if event == .crashServer { try await server.start() }
      case .baseBackup:
        if let running = inFlight.take() { basesDuringCommits += try await running.value }
        inFlight = Task { [database] in
          let base = try await database.baseBackup()
          return base.stopLSN > base.startLSN ? 1 : 0
        }
      case .switchSegment: try await server.psql("CHECKPOINT", "SELECT pg_switch_wal()")
      }
      for _ in 0..<4 { writers = try await round(writers, server) }
    }
    if let running = inFlight.take() { basesDuringCommits += try await running.value }
    for index in writers.indices { try await writers[index].finish(on: server) }
    try await server.psql("CREATE TABLE the_end ()")
    try await caughtUp(database)
    try await receiver.kill()
    try await database.verifyArchive()

    let (_, dump) = try await database.dump(withBeginning: true)
    let model = RecoveryModel(writers, order: dump.transactions)
    try #require(basesDuringCommits == 2 && model.moments.count > 60, "seed \(seed): \(model.moments.count) commits")
    #expect(writers.allSatisfy { !$0.rolledBack.isEmpty && !$0.prepared.isEmpty }, "seed \(seed)")
    let window = try await database.window()
    #expect(window.gaps.isEmpty && window.spans.count == 1, "seed \(seed)")
    #expect(window.latest.map { $0 >= model.moments[model.moments.count - 1].time } == true, "seed \(seed)")
    let now = try await server.psql("SELECT k, v FROM t ORDER BY k")
    #expect(now == text(model.moments[model.moments.count - 1].rows), "the model itself, seed \(seed)")
    try await expectMoments(of: model, since: firstBase, database, &random, seed)
    try await database.remove()
  }

  /// Both writers at once.
  private func round(_ writers: [ModelWriter], _ server: TestPostgres) async throws -> [ModelWriter] {
    try await withThrowingTaskGroup(of: (Int, ModelWriter).self) { group in
      for (index, writer) in writers.enumerated() {
        group.addTask {
          var writer = writer
          try await writer.write(to: server)
          return (index, writer)
        }
      }
      return try await group.reduce(into: writers) { $0[$1.0] = $1.1 }
    }
  }

  private func expectMoments(
    of model: RecoveryModel, since first: RecoveryBase, _ database: ArchivedDatabase, _ random: inout SeededGenerator,
    _ seed: UInt64
  ) async throws {
    let reachable = model.moments.indices.filter { model.moments[$0].time >= first.stopTime }
    for round in 0..<20 {
      guard let index = reachable.randomElement(using: &random) else { throw TestFailure("nothing is reachable") }
      let moment = model.moments[index]
      let (target, rows): (RecoveryTarget, [Int: Int])
      switch round % 4 {
      case 0: (target, rows) = (.time(moment.time), model.rows(at: moment.time))
      case 1 where index + 1 < model.moments.count:
        let between = (moment.time.microseconds + model.moments[index + 1].time.microseconds) / 2
        (target, rows) = (
          .time(PostgresTime(microseconds: between)), model.rows(at: PostgresTime(microseconds: between))
        )
      case 2: (target, rows) = (.lsn(moment.start), moment.rows)
      default: (target, rows) = (.xid(moment.xid), moment.rows)
      }
      let restored = try await database.recover(target, spooled: round % 2 == 0)
      let found = try await restored.psql("SELECT k, v FROM t ORDER BY k")
      #expect(found == text(rows), "seed \(seed), round \(round), \(target)")
      try await restored.remove()
    }
  }

  private func text(_ rows: [Int: Int]) -> String {
    rows.sorted { $0.key < $1.key }.map { "\($0.key)|\($0.value)" }.joined(separator: "\n")
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
