import Foundation
import NIOCore
import ObjectStore
import Repository
import TestSupport
import Testing

@Suite struct PruneCrashTests {
  private static let packSize = 150_000

  private func prune(_ scratch: ScratchRepository) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      .deletingLastPathComponent().appendingPathComponent("tidemark-fixture")
    process.arguments = ["repository-prune", "--repository", scratch.root, "--pack-size", "\(Self.packSize)"]
    process.environment = ["TIDEMARK_FIXTURE_PASSWORD": scratch.password]
    try process.run()
    return process
  }

  /// A snapshot of a few files of which some are new, beside those that are there; the older half is forgotten.
  private func change(_ scratch: ScratchRepository, round: Int, _ kept: inout [SnapshotID: [String: ByteBuffer]])
    async throws
  {
    var options = ScratchRepository.quick
    options.packSize = Self.packSize
    let repository = try await scratch.open(options)
    for part in 0..<3 {
      var files: [String: ByteBuffer] = [:]
      for file in 0..<10 {
        files["file-\(file)"] = noise(60_000, seed: UInt64((round * 3 + part + file * 7) / 10 * 100 + file))
      }
      let snapshot = try await repository.withLock(.shared) { [files] _ in
        try await HandMadeSnapshot.save(files, in: repository, piece: 20_000)
      }
      if let id = snapshot.id { kept[id] = files }
    }
    let all = try await repository.snapshots().compactMap(\.id)
    let old = all.prefix(max(0, all.count - 3))
    try await repository.forget(old)
    for id in old { kept[id] = nil }
  }

  private func expectRestored(_ scratch: ScratchRepository, _ kept: [SnapshotID: [String: ByteBuffer]]) async throws {
    let repository = try await scratch.open()
    try await repository.loadIndex()
    let snapshots = try await repository.snapshots()
    #expect(Set(snapshots.compactMap(\.id)) == Set(kept.keys))
    for snapshot in snapshots {
      let reader = SnapshotReader(snapshot, in: repository)
      for (name, content) in snapshot.id.flatMap({ kept[$0] }) ?? [:] {
        var whole = ByteBuffer()
        for try await var piece in try await reader.file(at: ByteString(name)) { whole.writeBuffer(&piece) }
        #expect(whole == content, "\(name) of \(snapshot.time)")
      }
    }
  }

  @Test(
    "killed at 30 random moments of a prune: restic's check passes each time, all snapshots read back, and a prune ends well"
  )
  func killedAtRandomMoments() async throws {
    let scratch = try ScratchRepository()
    _ = try await scratch.create()
    var kept: [SnapshotID: [String: ByteBuffer]] = [:]
    try await change(scratch, round: 0, &kept)
    try await change(scratch, round: 1, &kept)
    let clock = ContinuousClock()
    let whole = try clock.measure {
      let process = try prune(scratch)
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
    }
    var (killed, halfway) = (0, 0)
    for round in 2..<32 {
      try await change(scratch, round: round, &kept)
      let before = Set(try scratch.files().filter { !$0.hasPrefix("locks/") })
      let process = try prune(scratch)
      if round.isMultiple(of: 2) {
        try await Task.sleep(for: whole * Double.random(in: 0.3...1.1))
      } else {
        // However long it takes on this machine until something changes.
        try await eventually(within: .seconds(120), every: .milliseconds(1), "the prune changes something or ends") {
          // A folder that vanishes under the look is a change, too.
          let now = try? Set(scratch.files().filter { !$0.hasPrefix("locks/") })
          return !process.isRunning || now != before
        }
        try await Task.sleep(for: whole * Double.random(in: 0...0.1))
      }
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      if process.terminationReason == .uncaughtSignal {
        killed += 1
        if Set(try scratch.files().filter { !$0.hasPrefix("locks/") }) != before { halfway += 1 }
      }
      // The dead process's lock is one that restic takes for stale, too.
      try await scratch.restic("unlock")
      try await scratch.restic("check", "--read-data")
      try await expectRestored(scratch, kept)
    }
    #expect(killed >= 10, "only \(killed) of 30 were killed before their end")
    #expect(halfway >= 3, "only \(halfway) of \(killed) were killed when they had begun to change something")

    let process = try prune(scratch)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    let report = try await scratch.open().check(.everyByte)
    #expect(report.isSound && report.warnings.isEmpty && report.redundantBlobs == 0, "\(report)")
    try await scratch.restic("check", "--read-data")
    try await expectRestored(scratch, kept)
  }
}
