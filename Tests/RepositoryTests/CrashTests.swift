import Foundation
import NIOCore
import ObjectStore
import Repository
import Testing

@Suite struct CrashTests {
  /// A repository, and a directory of files of which some are new in each round.
  private struct Setting {
    let scratch: ScratchRepository
    var contents: [String: ByteBuffer] = [:]

    init() async throws {
      scratch = try ScratchRepository()
      _ = try await scratch.create()
    }

    var source: String { scratch.path + "/source" }

    mutating func change(round: Int) throws {
      for file in 0..<8 where round == 0 || (file + round) % 2 == 0 {
        let content = noise(400_000 + 10_000 * file, seed: UInt64(1000 * round + file))
        contents["file-\(file)"] = content
        try scratch.write(content.readableBytesView, to: "source/file-\(file)")
      }
    }

    func backup() throws -> Process {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("tidemark-fixture")
      process.arguments = [
        "repository-backup", "--repository", scratch.root, "--source", source, "--pack-size", "400000",
        "--index-interval", "5",
      ]
      process.environment = ["TIDEMARK_FIXTURE_PASSWORD": scratch.password]
      try process.run()
      return process
    }

    /// Restores a snapshot, and compares it with what the source held when it was made.
    func expectRestored(_ snapshot: Snapshot, _ expected: [String: ByteBuffer], from repository: Repository)
      async throws
    {
      let target = scratch.path + "/restored-\(UUID().uuidString)"
      _ = try await Restorer(repository: repository).restore(snapshot, to: ByteString(target))
      #expect(try FileManager.default.contentsOfDirectory(atPath: target).count == expected.count)
      for (name, content) in expected {
        let restored = try Data(contentsOf: URL(fileURLWithPath: target + "/" + name))
        #expect(restored.elementsEqual(content.readableBytesView), "\(name)")
      }
      try FileManager.default.removeItem(atPath: target)
    }
  }

  @Test(
    "killed at 50 random moments: restic's check passes each time, earlier snapshots restore, indexed packs are reused")
  func killedAtRandomMoments() async throws {
    var setting = try await Setting()
    try setting.change(round: 0)
    let clock = ContinuousClock()
    let whole = try clock.measure { try setting.backup().waitUntilExit() }
    let first = try #require(try await setting.scratch.open().snapshots().first)
    let firstContents = setting.contents
    var (killed, reusable) = (0, 0)

    for round in 1...50 {
      try setting.change(round: round)
      let before = try await indexedBlobs(setting.scratch)
      let process = try setting.backup()
      try await Task.sleep(for: whole * Double.random(in: 0...1.1))
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      if process.terminationReason == .uncaughtSignal { killed += 1 }
      if process.terminationReason == .uncaughtSignal, try await indexedBlobs(setting.scratch) > before {
        reusable += 1
      }
      // The dead process's lock is one that restic takes for stale, too.
      try await setting.scratch.restic("unlock")
      try await setting.scratch.restic("check")
      let repository = try await setting.scratch.open()
      try await repository.loadIndex()
      let snapshots = try await repository.snapshots()
      #expect(snapshots.contains(first))
      try await setting.expectRestored(first, firstContents, from: repository)
    }
    #expect(killed >= 20, "only \(killed) of 50 were killed before their end")
    #expect(reusable > 0, "no process was killed between its first index file and its snapshot")

    let process = try setting.backup()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    let repository = try await setting.scratch.open()
    try await repository.loadIndex()
    let last = try #require(try await repository.snapshots().last)
    try await setting.expectRestored(last, setting.contents, from: repository)
    let report = try await repository.check(.everyByte)
    #expect(report.isSound, "\(report.errors)")
    #expect(report.redundantBlobs == 0, "what was indexed before a kill was stored again")
    #expect(report.warnings.allSatisfy { $0.kind == .packNotIndexed })
    try await setting.scratch.restic("check", "--read-data")
  }

  private func indexedBlobs(_ scratch: ScratchRepository) async throws -> Int {
    let repository = try await scratch.open()
    try await repository.loadIndex()
    return repository.blobCount
  }
}
