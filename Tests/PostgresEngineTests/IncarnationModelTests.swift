import Logging
import NIOCore
import ObjectStore
import PostgresEngine
import TestSupport
import Testing

/// One physical life of a database: its server, and what its table held.
private struct Life: Sendable {
  let incarnation: IncarnationID
  let server: TestPostgres
  var model: TableModel
  /// How many of the model's moments came from its parent.
  let inherited: Int
}

@Suite("Restores below one Database, by model", .serialized)
struct IncarnationModelTests {
  private static let settings = ["track_commit_timestamp": "on"]

  private func start() async throws -> (database: ArchivedDatabase, root: Life) {
    let database = try await ArchivedDatabase.start {
      $0.settings = Self.settings
      $0.segmentMegabytes = 1
    }
    try await database.server.psql(
      "CREATE TABLE t (k int PRIMARY KEY, v int, filler text)", "CREATE TABLE mark (id serial)")
    let root = try await database.root
    try await database.receiving { log in
      try await database.archived(log)
      try await database.baseBackup()
    }
    return (database, Life(incarnation: root, server: database.server, model: TableModel(), inherited: 0))
  }

  /// Commits on a life while it is archived.
  private func live(
    _ life: inout Life, commits: Int, in database: ArchivedDatabase, _ random: inout SeededGenerator
  ) async throws {
    let (incarnation, server) = (life.incarnation, life.server)
    var (model, generator) = (life.model, random)
    try await database.receiving(incarnation, from: server) { log in
      for number in 0..<commits {
        try await model.commit(on: server, &generator)
        if number % 5 == 3 { try await server.psql("SELECT pg_switch_wal()") }
      }
      try await database.archived(log, on: server)
    }
    (life.model, random) = (model, generator)
  }

  /// A new life from a moment of `life`.
  private func restore(_ life: Life, at index: Int, in database: ArchivedDatabase) async throws -> Life {
    let plan = try await database.plan(.time(life.model.moments[index].time), life.incarnation)
    let server = try await database.recover(plan, settings: Self.settings)
    let child = try await database.adopt(server, plan)
    return Life(
      incarnation: child.id, server: server, model: TableModel(upTo: index, of: life.model), inherited: index + 1)
  }

  private func check(
    _ target: RecoveryTarget, _ rows: [Int: Int], along life: Life, _ database: ArchivedDatabase, _ what: String
  ) async throws {
    let restored = try await database.recover(target, life.incarnation)
    #expect(
      try await restored.psql("SELECT k, v FROM t ORDER BY k") == TableModel.text(rows),
      "\(what): \(target) along \(life.incarnation)")
    try await restored.remove()
  }

  @Test("restored, switched, and back: each moment of each life comes back along it, before the fork and after")
  func thereAndBack() async throws {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SeededGenerator(seed: seed)
    var (database, root) = try await start()
    try await live(&root, commits: 12, in: database, &random)
    let fork = 6
    var child = try await restore(root, at: fork, in: database)
    try await live(&child, commits: 8, in: database, &random)
    // Switched back: the old life goes on where it was, and fills the segment in which it was left.
    try await live(&root, commits: 8, in: database, &random)

    let tree = try await database.catalog().tree
    #expect(tree[child.incarnation]?.parent?.id == root.incarnation)
    #expect(tree[child.incarnation]?.parent?.database == nil)
    let last = (root: root.model.moments.count - 1, child: child.model.moments.count - 1)
    let windows = (
      root: try await database.window(root.incarnation), child: try await database.window(child.incarnation)
    )
    for (window, life) in [(windows.root, root), (windows.child, child)] {
      #expect(window.spans.count == 1 && window.gaps.isEmpty, "seed \(seed), \(life.incarnation)")
      let latest = try #require(life.model.moments.last).time
      #expect(try #require(window.latest) >= latest, "seed \(seed), \(life.incarnation)")
    }
    #expect(windows.root.earliest == windows.child.earliest)

    let what = "seed \(seed)"
    try await check(.time(root.model.moments[3].time), root.model.moments[3].rows, along: child, database, what)
    try await check(
      .time(child.model.moments[fork + 3].time), child.model.moments[fork + 3].rows, along: child, database, what)
    try await check(.latest, child.model.moments[last.child].rows, along: child, database, what)
    try await check(
      .time(root.model.moments[fork + 2].time), root.model.moments[fork + 2].rows, along: root, database, what)
    try await check(.latest, root.model.moments[last.root].rows, along: root, database, what)
    // A transaction of the parent behind the fork is none of the child's.
    let xid = root.model.moments[last.root].xid
    if !child.model.moments.contains(where: { $0.xid == xid }) {
      await #expect(throws: WALError.self) { try await database.plan(.xid(xid), child.incarnation) }
    }
    try await child.server.remove()
    try await database.remove()
  }

  @Test("a restore along a restored life, to a moment before that life began, leaves its parent there and goes on")
  func beforeItsFork() async throws {
    var random = SeededGenerator(seed: 12)
    var (database, root) = try await start()
    try await live(&root, commits: 12, in: database, &random)
    var child = try await restore(root, at: 8, in: database)
    try await live(&child, commits: 4, in: database, &random)
    var grandchild = try await restore(child, at: 4, in: database)
    let incarnation = try #require(try await database.catalog().tree[grandchild.incarnation])
    #expect(incarnation.parent?.id == root.incarnation && incarnation.parent?.timeline == TimelineID(1))
    try await live(&grandchild, commits: 6, in: database, &random)
    try await live(&child, commits: 4, in: database, &random)
    for index in [2, 4, 6, 10] {
      let moment = grandchild.model.moments[index]
      try await check(.lsn(moment.lsn), moment.rows, along: grandchild, database, "moment \(index)")
    }
    let last = try #require(grandchild.model.moments.last)
    try await check(.latest, last.rows, along: grandchild, database, "the end")
    let window = try await database.window(grandchild.incarnation)
    #expect(window.gaps.isEmpty && window.spans.count == 1)
    #expect(try #require(window.latest) >= last.time)
    try await grandchild.server.remove()
    try await child.server.remove()
    try await database.remove()
  }

  @Test("before a restored life has stored anything, what its parent did behind the fork is not taken for its own")
  func nothingStoredYet() async throws {
    var random = SeededGenerator(seed: 11)
    var (database, root) = try await start()
    try await live(&root, commits: 6, in: database, &random)
    let child = try await restore(root, at: 3, in: database)
    // Its history file is there, as a receiver stores it first, and nothing else.
    let connection = try await ReplicationConnection.connect(database.connection(to: child.server))
    let timeline = try await connection.identifySystem().timeline
    let history = try await connection.timelineHistory(timeline)
    await connection.close()
    let size = try #require(WALSegmentSize(bytes: 1 << 20))
    try await database.catalog().archive(child.incarnation, size).putHistory(
      timeline, ByteBuffer(string: history.content))
    try await live(&root, commits: 12, in: database, &random)
    try await check(.latest, child.model.moments[3].rows, along: child, database, "nothing stored")
    try await child.server.remove()
    try await database.remove()
  }

  @Test("a tree of restores, timelines of equal numbers in it: random moments of random lives come back")
  func tree() async throws {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SeededGenerator(seed: seed)
    var (database, root) = try await start()
    try await live(&root, commits: 10, in: database, &random)
    var lives = [root]
    for number in 0..<4 {
      // The first two leave the same life, so that they have timelines of one number.
      let parent = number < 2 ? 0 : Int.random(in: lives.indices, using: &random)
      let moment = Int.random(in: 1..<lives[parent].model.moments.count, using: &random)
      var child = try await restore(lives[parent], at: moment, in: database)
      try await live(&child, commits: 6, in: database, &random)
      if Bool.random(using: &random) {
        let (incarnation, server) = (child.incarnation, child.server)
        try await database.receiving(incarnation, from: server) { log in
          try await database.baseBackup(incarnation, of: server)
          try await database.archived(log, on: server)
        }
        try await live(&child, commits: 3, in: database, &random)
      }
      try await live(&lives[parent], commits: 3, in: database, &random)
      lives.append(child)
    }
    let timelines = try await database.catalog().tree.incarnations.values.map(\.timeline)
    #expect(Set(timelines).count < timelines.count, "seed \(seed): no timeline repeats")
    for round in 0..<8 {
      let life = lives[Int.random(in: lives.indices, using: &random)]
      let index = Int.random(in: life.model.moments.indices, using: &random)
      let moment = life.model.moments[index]
      let target: RecoveryTarget = [.time(moment.time), .lsn(moment.lsn), .xid(moment.xid)][round % 3]
      // A number of a transaction may have been given out in several lives; along one way it is unique.
      try await check(target, moment.rows, along: life, database, "seed \(seed), round \(round), moment \(index)")
    }
    try await expireAndCheck(lives, database, seed, &random)
    for life in lives.dropFirst() { try await life.server.remove() }
    try await database.remove()
  }

  /// Forgets the oldest base backup, removes the log that nothing needs then, and recovers what is left.
  private func expireAndCheck(
    _ lives: [Life], _ database: ArchivedDatabase, _ seed: UInt64, _ random: inout SeededGenerator
  ) async throws {
    let root = lives[0]
    try await database.receiving { log in
      try await database.baseBackup()
      try await root.server.psql("INSERT INTO t VALUES (1000, 1)")
      try await database.archived(log)
    }
    let old = try await database.bases().min { $0.stopTime < $1.stopTime }
    try await database.forget(try #require(old))
    let before = try await database.objects("incarnations/").count
    let catalog = try await database.catalog()
    let expiry = try await catalog.expiry(bases: try await database.bases(), archived: root.incarnation)
    let removed = try await catalog.remove(expiry, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    #expect(removed > 0, "seed \(seed)")
    #expect(try await database.objects("incarnations/").count == before - removed)
    #expect(try await catalog.remove(expiry, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) == 0)

    // The receiver goes on as if nothing had happened, and each life that a base backup reaches comes back.
    try await database.receiving { log in
      try await root.server.psql("INSERT INTO t VALUES (1001, 1)")
      try await database.archived(log)
      #expect(log.last?.newGap == nil, "seed \(seed)")
    }
    let kept = try await database.recover(.latest, root.incarnation)
    #expect(try await kept.psql("SELECT count(*) FROM t WHERE k IN (1000, 1001)") == "2", "seed \(seed)")
    try await kept.remove()
    let based = Set(try await database.bases().map(\.incarnation))
    for life in lives.dropFirst() where based.contains(life.incarnation) {
      let last = life.model.moments[life.model.moments.count - 1]
      try await check(.latest, last.rows, along: life, database, "seed \(seed), after the expiry")
    }
    for life in lives.dropFirst() where !based.contains(life.incarnation) {
      let line = Set(catalog.tree.ancestry(of: life.incarnation).map(\.id))
      guard line.isDisjoint(with: based.subtracting([root.incarnation])) else { continue }
      #expect(
        try await database.objects("incarnations/\(life.incarnation)/") == [
          "incarnations/\(life.incarnation)/incarnation.json"
        ],
        "seed \(seed)")
    }
  }
}
