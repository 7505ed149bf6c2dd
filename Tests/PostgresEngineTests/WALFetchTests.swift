import Foundation
import NIOCore
import ObjectStore
import PostgresEngine
import Repository
import Synchronization
import TestSupport
import Testing

@Suite("Fetching WAL for a recovery", .serialized)
struct WALFetchTests {
  /// A database with a base backup and so many segments of the log behind it, each with a row of table `t`.
  private func fill(_ database: ArchivedDatabase, segments: Int) async throws {
    try await database.server.psql("CREATE TABLE t (i int)")
    try await database.receiving { log in
      try await database.archived(log)
      try await database.baseBackup()
      for number in 1...segments {
        try await database.server.psql("INSERT INTO t VALUES (\(number))", "SELECT pg_switch_wal()")
      }
      try await database.archived(log)
    }
  }

  private static func small(_ options: inout TestPostgres.Options) { options.segmentMegabytes = 1 }

  @Test(
    "the spool fills ahead: only the first segment has to be fetched, the next ones lie there, and no more than asked")
  func spoolFills() async throws {
    let database = try await ArchivedDatabase.start(Self.small)
    try await fill(database, segments: 12)
    let plan = try await database.plan(.latest)
    let scratch = try ScratchDirectory("spool")
    let (spool, target, config) = (scratch.file("spool"), scratch.file("RECOVERYXLOG"), scratch.file("fetch.json"))
    let fetch = WALFetch.Configuration(lineage: plan.lineage, spool: spool, ahead: 4, parallel: 2)
    try database.writeArchive(to: config, fetch)
    let program = "\(try builtProgram("tidemark-fixture")) wal-fetch --config \(config) %f %p"
    func ready() -> [String] {
      ((try? FileManager.default.contentsOfDirectory(atPath: spool + "/ready")) ?? []).sorted()
    }
    /// Runs restore_command as PostgreSQL does, with `rest` behind the spool, and gives what it stored.
    func restore(_ name: WALSegmentName, orElse rest: String) async throws -> Data {
      let command = WALFetch.restoreCommand(spool: spool, command: rest)
        .replacing("%f", with: name.description).replacing("%p", with: target)
      try await RunningProgram.run("/bin/sh", ["-c", command])
      return try Data(contentsOf: URL(fileURLWithPath: target))
    }
    let first = try #require(WALSegmentName(plan.firstSegment, size: plan.lineage.segmentSize))
    let names = (0..<10).map { WALSegmentName(timeline: first.timeline, number: first.number + $0, size: first.size) }
    _ = try await restore(first, orElse: program)
    let archive = try await database.catalog().archive(database.root, first.size)
    for (index, name) in names.enumerated().dropFirst() {
      // Never more than `ahead`, and always the next ones.
      let next = names[index...].prefix(4).map(\.description)
      try await eventually("\(next) lie in the spool") { ready().prefix(next.count).elementsEqual(next) }
      #expect(ready().count <= 4)
      // Were it not in the spool, this would fail.
      let bytes = try await restore(name, orElse: "false")
      let stored = try #require(try await archive.segment(name))
      #expect(bytes == Data(stored.readableBytesView))
    }
    scratch.remove()
    try await database.remove()
  }

  @Test("a segment that still grows is never fetched ahead: an older part could be given after a newer one")
  func growingSegment() async throws {
    let database = try await ArchivedDatabase.start(Self.small)
    try await fill(database, segments: 3)
    try await database.receiving { log in
      try await database.server.psql("INSERT INTO t VALUES (100)")
      try await database.archived(log)
    }
    let plan = try await database.plan(.latest)
    let names = [plan.firstSegment, plan.lastSegment].compactMap { WALSegmentName($0, size: plan.lineage.segmentSize) }
    let archive = try await database.catalog().archive(database.root, plan.lineage.segmentSize)
    let last = try #require(names.last)
    #expect(try await archive.segment(last) == nil)
    #expect(try await archive.beginning(of: last) != nil)
    let scratch = try ScratchDirectory("growing")
    let fetch = WALFetch.Configuration(plan, spool: scratch.file("spool"))
    let (store, key) = (database.store, database.repository.key)
    let prefetch = WALPrefetch(fetch, patience: .seconds(2)) { (store, key) }
    let running = RunningFlag()
    async let filling: Void = {
      defer { running.end() }
      try await prefetch.run(after: plan.firstSegment)
    }()
    var seen: Set<String> = []
    while running.isOn {
      let ready = try? FileManager.default.contentsOfDirectory(atPath: scratch.file("spool/ready"))
      seen.formUnion(ready ?? [])
      try await Task.sleep(for: .milliseconds(5))
    }
    try await filling
    let expected = (names[0].number + 1..<last.number).map {
      WALSegmentName(timeline: last.timeline, number: $0, size: last.size).description
    }
    #expect(!expected.isEmpty && seen == Set(expected))
    scratch.remove()
    try await database.remove()
  }

  @Test("while PostgreSQL replays, segments come from the spool: few are fetched when they are asked for")
  func replayingFromSpool() async throws {
    let database = try await ArchivedDatabase.start(Self.small)
    try await fill(database, segments: 30)
    let folder = try ScratchDirectory("calls")
    // PostgreSQL runs as a user of its own, and so does its restore_command.
    try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: folder.path)
    let calls = folder.file("calls")
    let plan = try await database.plan(.latest)
    // Replay as slow as of segments that are full: these are nearly empty.
    let restored = try await database.replay(plan) {
      "sh -c 'echo %f >>\(calls); exec \($0)'"
    } around: {
      "sleep 0.05; \($0)"
    }
    try await eventually(within: .seconds(60), "recovery ends; see \(restored.logFile)") {
      try await restored.psql("SELECT pg_is_in_recovery()") == "f"
    }
    #expect(try await restored.psql("SELECT count(*), max(i) FROM t") == "30|30")
    let log = try String(contentsOfFile: restored.logFile, encoding: .utf8)
    let replayed = log.split(separator: "\n").count { $0.contains("restored log file") }
    let asked = try String(contentsOfFile: calls, encoding: .utf8).split(separator: "\n")
    let fetched = asked.count { WALSegmentName(String($0), size: plan.lineage.segmentSize) != nil }
    #expect(replayed >= 30)
    // The first; those that are asked for before the spool is filled; and the one behind the last.
    #expect(fetched <= 8, "\(fetched) of \(replayed) were fetched when they were asked for: \(asked)")
    try await restored.remove()
    try await database.remove()
  }

  @Test("exit codes: 0 stored, 1 not in the archive, 255 could not be found out")
  func exitCodes() async throws {
    let database = try await ArchivedDatabase.start(Self.small)
    try await fill(database, segments: 2)
    let plan = try await database.plan(.latest)
    let scratch = try ScratchDirectory("fetch")
    let config = scratch.file("fetch.json")
    try database.writeArchive(to: config, WALFetch.Configuration(lineage: plan.lineage, spool: nil))
    func exitCode(_ file: String, _ target: String = scratch.file("target")) async throws -> RunningProgram.Ending {
      let program = try RunningProgram.start(
        try builtProgram("tidemark-fixture"), ["wal-fetch", "--config", config, file, target])
      return try await program.wait(within: .seconds(60)).ending
    }
    let last = try #require(WALSegmentName(plan.lastSegment, size: plan.lineage.segmentSize))
    let behind = WALSegmentName(timeline: last.timeline, number: last.number + 1, size: last.size)
    #expect(try await exitCode(plan.firstSegment) == .exited(0))
    for absent in ["\(behind)", "00000002.history", "000000010000000000000001.00000028.backup", "nonsense"] {
      #expect(try await exitCode(absent) == .exited(1), "\(absent)")
    }
    #expect(try await exitCode(plan.firstSegment, "/nowhere/target") == .exited(255))
    let first = try #require(WALSegmentName(plan.firstSegment, size: last.size))
    try await database.store.put(
      DatabaseLayout.segment(try await database.root, first), ByteBuffer(string: "damage"))
    #expect(try await exitCode(plan.firstSegment) == .exited(255))
    let refusing = WALFetch(WALFetch.Configuration(lineage: plan.lineage, spool: nil)) {
      throw ObjectStoreError(.accessDenied, operation: "get", message: "the test refuses")
    } complain: { _ in
    }
    #expect(await refusing.fetch(plan.firstSegment, to: scratch.file("target")) == .failed)
    scratch.remove()
    try await database.remove()
  }

  @Test("a segment that was there when the recovery was planned, and is gone, is not taken for the end of the log")
  func expiredMeanwhile() async throws {
    let database = try await ArchivedDatabase.start(Self.small)
    try await fill(database, segments: 6)
    let plan = try await database.plan(.latest)
    let first = try #require(WALSegmentName(plan.firstSegment, size: plan.lineage.segmentSize))
    let last = try #require(WALSegmentName(plan.lastSegment, size: plan.lineage.segmentSize))
    let root = try await database.root
    let gone = WALSegmentName(timeline: first.timeline, number: first.number + 2, size: first.size)
    try await database.store.delete([DatabaseLayout.segment(root, gone)])
    let fetch = WALFetch(WALFetch.Configuration(plan, spool: nil)) {
      [store = database.store, key = database.repository.key] in
      (store, key)
    } complain: { _ in
    }
    let target = database.scratch.file("target")
    #expect(await fetch.fetch(first.next.description, to: target) == .stored)
    #expect(await fetch.fetch(gone.description, to: target) == .failed)
    #expect(await fetch.fetch(last.next.description, to: target) == .notFound)
    #expect(await fetch.fetch("00000002" + gone.description.dropFirst(8), to: target) == .notFound)
    // PostgreSQL gives recovery up rather than to open a database that lacks what was asked for.
    await #expect(throws: (any Error).self) { try await database.recover(plan) }
    try await database.remove()
  }

  @Test("S3 killed while PostgreSQL replays never looks like the end of the log: recovery fails, and goes on later")
  func killedDuringReplay() async throws {
    try await ArchivedDatabase.onS3(attempts: 1, Self.small) { database, s3 in
      try await fill(database, segments: 60)
      let restored = try await database.replay(try await database.plan(.latest), around: { "sleep 0.2; \($0)" })
      try await eventually("replay is under way") {
        try String(contentsOfFile: restored.logFile, encoding: .utf8).contains("restored log file")
      }
      try await s3.kill9()
      try await eventually(
        within: .seconds(90), every: .milliseconds(100), "PostgreSQL gives up; see \(restored.logFile)"
      ) {
        guard let answer = try? await restored.psql("SELECT pg_is_in_recovery()") else { return true }
        guard answer == "t" else { throw TestFailure("the server was promoted while the store was away") }
        return false
      }
      let state = try await RunningProgram.run(
        "\(restored.binaries)/pg_controldata", [restored.dataDirectory], environment: ["LC_ALL": "C"])
      #expect(state.output.contains("in archive recovery"))
      try await s3.start()
      try await restored.start()
      try await eventually(within: .seconds(60), "recovery ends; see \(restored.logFile)") {
        try await restored.psql("SELECT pg_is_in_recovery()") == "f"
      }
      #expect(try await restored.psql("SELECT count(*), max(i) FROM t") == "60|60")
      try await restored.remove()
    }
  }
}

/// Whether something still runs.
private final class RunningFlag: Sendable {
  private let state = Mutex(true)

  var isOn: Bool { state.withLock { $0 } }

  func end() { state.withLock { $0 = false } }
}
