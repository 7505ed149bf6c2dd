import Foundation
import NIOCore
import ObjectStore
import Repository
import Testing

@Suite("Prune, beside restic") struct PruneTests {
  /// A repository of small packs, so that little data make many.
  private struct Setting {
    let scratch: ScratchRepository
    let repository: Repository
    /// Each snapshot, with the files that it holds.
    var snapshots: [(snapshot: Snapshot, files: [String: ByteBuffer])] = []
    private var files: [String: ByteBuffer] = [:]

    init(packSize: Int = 300_000) async throws {
      scratch = try ScratchRepository()
      var options = ScratchRepository.quick
      options.packSize = packSize
      repository = try await scratch.create(options)
    }

    /// Makes these files new, and a snapshot of all.
    mutating func backup(_ changed: Range<Int>, seed: UInt64, bytes: Int = 120_000) async throws {
      for file in changed { files["file-\(file)"] = content(file, seed: seed, bytes: bytes) }
      let snapshot = try await repository.withLock(.shared) { [files] _ in
        try await HandMadeSnapshot.save(files, in: repository, piece: 40_000)
      }
      snapshots.append((snapshot, files))
    }

    func content(_ file: Int, seed: UInt64, bytes: Int = 120_000) -> ByteBuffer {
      noise(bytes, seed: seed << 32 + UInt64(file))
    }

    mutating func forget(_ which: (Int) -> Bool) async throws {
      try await repository.forget(snapshots.indices.filter(which).compactMap { snapshots[$0].snapshot.id })
      snapshots = snapshots.indices.filter { !which($0) }.map { snapshots[$0] }
    }

    func prune(_ change: (inout PruneOptions) -> Void = { _ in }) async throws -> PruneReport {
      var options = PruneOptions()
      change(&options)
      return try await repository.prune(options)
    }

    /// Every byte of what is left, by restic's eyes and ours, and every snapshot restored.
    func expectSound(sourceLocation: SourceLocation = #_sourceLocation) async throws {
      try await scratch.restic("check", "--read-data", sourceLocation: sourceLocation)
      let fresh = try await scratch.open()
      try await fresh.loadIndex()
      let report = try await fresh.check(.everyByte)
      #expect(report.isSound && report.warnings.isEmpty, "\(report)", sourceLocation: sourceLocation)
      #expect(report.snapshots == snapshots.count, sourceLocation: sourceLocation)
      for (snapshot, files) in snapshots {
        let target = scratch.path + "/restored-\(UUID().uuidString)"
        _ = try await Restorer(repository: fresh).restore(snapshot, to: ByteString(target))
        for (name, content) in files {
          let restored = try Data(contentsOf: URL(fileURLWithPath: "\(target)/\(name)"))
          #expect(restored.elementsEqual(content.readableBytesView), "\(name)", sourceLocation: sourceLocation)
        }
        try FileManager.default.removeItem(atPath: target)
      }
    }

    func packBytes() throws -> Int64 {
      try scratch.files().filter { $0.hasPrefix("data/") }.reduce(0) { sum, name in
        let size = try FileManager.default.attributesOfItem(atPath: scratch.root + "/" + name)[.size] as? Int64
        return sum + (size ?? 0)
      }
    }

    func files(_ folder: String) throws -> [String] { try scratch.files().filter { $0.hasPrefix(folder + "/") } }
  }

  @Test("after forgetting half of the snapshots, the rest restores identical, and restic reads every byte")
  func half() async throws {
    var setting = try await Setting()
    for round in 0..<8 { try await setting.backup(round..<round + 12, seed: UInt64(round)) }
    try await setting.forget { $0 % 2 == 0 }
    let before = try setting.packBytes()
    let report = try await setting.prune()
    #expect(report.snapshots == 4)
    #expect(report.bytesBefore == before)
    #expect(try report.bytesFreed == before - setting.packBytes() && report.bytesFreed > 0)
    #expect(report.packsRemoved > 0 && report.packsRepacked > 0 && report.packsWritten > 0)
    #expect(try setting.files("locks").isEmpty)
    try await setting.expectSound()
    let again = try await setting.prune()
    #expect(again.bytesFreed == 0 && again.packsRepacked == 0, "\(again)")
  }

  @Test("with nothing tolerated, nothing is left that no snapshot needs; with no snapshot, nothing at all")
  func tolerance() async throws {
    var setting = try await Setting()
    for round in 0..<6 { try await setting.backup(round * 2..<round * 2 + 5, seed: UInt64(round)) }
    try await setting.forget { $0 < 5 }
    let kept = try await setting.prune { $0.tolerance = .unlimited }
    #expect(kept.bytesUnused > 0)
    let dense = try await setting.prune { $0.tolerance = .bytes(0) }
    #expect(dense.bytesUnused == 0 && dense.packsRepacked > 0)
    try await setting.expectSound()
    try await setting.forget { _ in true }
    let empty = try await setting.prune()
    #expect(empty.packsKept == 0)
    #expect(try setting.files("data").isEmpty && setting.files("index").isEmpty)
    try await setting.expectSound()
  }

  @Test("a prune that is out of time leaves packs to the next one, and loses nothing by that")
  func outOfTime() async throws {
    var setting = try await Setting()
    for round in 0..<6 { try await setting.backup(round * 2..<round * 2 + 5, seed: UInt64(round)) }
    try await setting.forget { $0 < 5 }
    let hurried = try await setting.prune { ($0.tolerance, $0.repackingTime) = (.bytes(0), .zero) }
    #expect(hurried.packsRepacked == 0 && hurried.packsWritten == 0 && hurried.packsRemoved > 0)
    #expect(hurried.bytesUnused > 0)
    try await setting.expectSound()
    let rest = try await setting.prune { $0.tolerance = .bytes(0) }
    #expect(rest.bytesUnused == 0 && rest.packsRepacked > 0)
    try await setting.expectSound()
  }

  @Test("restic prunes what we wrote, and a process of ours that knew the repository before goes on")
  func resticPrunesOurs() async throws {
    var setting = try await Setting()
    for round in 0..<4 { try await setting.backup(0..<12, seed: UInt64(round)) }
    try await setting.forget { $0 != 3 }
    try await setting.scratch.restic("prune", "--max-unused", "0")
    // What `backup` stores again is what was pruned; a process that still believed its old index would not.
    try await setting.backup(0..<12, seed: 0)
    try await setting.backup(0..<12, seed: 1)
    try await setting.expectSound()
    try await setting.forget { $0 == 0 }
    _ = try await setting.prune()
    try await setting.scratch.restic("prune")
    try await setting.expectSound()
  }

  @Test("we prune what restic wrote, and uncompressed trees are compressed by that")
  func wePruneRestics() async throws {
    let scratch = try ScratchRepository()
    let source = scratch.path + "/source"
    try await OddTree.make(at: source)
    try await OddTree.shell(#"rm "$1/odd link""#, source)
    try await scratch.restic("init", "--repository-version", "1")
    try await scratch.restic("backup", source)
    try scratch.write(noise(3_000_000, seed: 5).readableBytesView, to: "source/more")
    try await scratch.restic("backup", source)
    try await scratch.restic("forget", "--keep-last", "1")
    try await scratch.restic("migrate", "upgrade_repo_v2")
    let repository = try await scratch.open()
    let report = try await repository.prune()
    #expect(report.packsRepacked > 0)
    try await scratch.restic("check", "--read-data")
    try await repository.loadIndex()
    let snapshot = try #require(try await repository.snapshots().last)
    #expect(repository.location(of: .tree, snapshot.tree)?.isCompressed == true)
    _ = try await Restorer(repository: repository).restore(
      snapshot, path: ByteString(source), to: ByteString(scratch.path + "/restored"))
    #expect(try await OddTree.listing(of: scratch.path + "/restored") == OddTree.listing(of: source))
  }

  @Test(
    "while a fresh lock of restic's or ours is there it refuses at once, or waits as long as it may; a stale one is no bar"
  )
  func locks() async throws {
    var setting = try await Setting()
    try await setting.backup(0..<4, seed: 1)
    let ours = try await setting.repository.lock(.shared)
    let started = ContinuousClock.now
    await expect(.locked) { try await setting.prune() }
    #expect(started.duration(to: .now) < .seconds(5))
    await expect(.locked) { try await setting.prune { $0.patience = .milliseconds(700) } }
    let repository = setting.repository
    async let waiting = repository.prune(PruneOptions().waiting(.seconds(30)))
    try await Task.sleep(for: .milliseconds(100))
    try await ours.release()
    _ = try await waiting

    let restic = Process()
    restic.executableURL = URL(fileURLWithPath: "/usr/bin/restic")
    restic.arguments = ["--no-cache", "-r", setting.scratch.root, "backup", "--stdin"]
    restic.environment = ProcessInfo.processInfo.environment.merging(["RESTIC_PASSWORD": setting.scratch.password]) {
      $1
    }
    let (input, output) = (Pipe(), Pipe())
    restic.standardInput = input
    restic.standardOutput = output
    restic.standardError = output
    try restic.run()
    for _ in 0..<2000 where try setting.files("locks").isEmpty { try await Task.sleep(for: .milliseconds(10)) }
    await expect(.locked) { try await setting.prune() }
    kill(restic.processIdentifier, SIGKILL)
    restic.waitUntilExit()
    #expect(try setting.files("locks").count == 1)
    _ = try await setting.prune()
    #expect(try setting.files("locks").isEmpty)
    try await setting.expectSound()
  }

  @Test("packs that no index file lists go, however young; files that are no packs stay")
  func unreferenced() async throws {
    var setting = try await Setting()
    try await setting.backup(0..<4, seed: 1)
    let orphan = noise(50_000, seed: 77)
    let name = SHA256Digest(hashing: orphan).hexadecimal
    try await setting.scratch.store.put("data/\(name.prefix(2))/\(name)", orphan)
    try await setting.scratch.store.put("data/README", ByteBuffer(string: "not a pack"))
    let report = try await setting.prune()
    #expect(report.packsUnreferenced == 1)
    #expect(report.bytesFreed == 50_000)
    #expect(try setting.files("data").contains("data/README"))
    #expect(try !setting.files("data").contains { $0.hasSuffix(name) })
    try await setting.scratch.store.delete("data/README")
    try await setting.expectSound()
  }

  @Test("blobs that two writers stored at once are left once")
  func duplicates() async throws {
    var setting = try await Setting()
    let other = try await setting.scratch.open(setting.repository.options)
    let writers = [try await setting.repository.blobWriter(), try await other.blobWriter()]
    for writer in writers {
      for number in 0..<6 {
        var content = setting.content(number, seed: 1)
        while let piece = content.readSlice(length: 40_000) { #expect(try await writer.save(.data, piece).isNew) }
      }
    }
    for writer in writers {
      try await writer.flush()
      await writer.close()
    }
    try await setting.backup(0..<6, seed: 1)
    #expect(try await setting.scratch.open().check(.structure).redundantBlobs == 18)
    _ = try await setting.prune { $0.tolerance = .bytes(0) }
    #expect(try await setting.scratch.open().check(.structure).redundantBlobs == 0)
    try await setting.expectSound()
  }

  @Test("small index files are put together")
  func smallIndexFiles() async throws {
    var setting = try await Setting()
    for round in 0..<12 { try await setting.backup(round..<round + 1, seed: UInt64(round)) }
    #expect(try setting.files("index").count >= 12)
    let report = try await setting.prune()
    #expect(report.indexFilesReplaced >= 12)
    #expect(try setting.files("index").count <= 2)
    try await setting.expectSound()
  }

  @Test("in a damaged repository nothing is removed: a pack, an index file or a snapshot that was cut short")
  func damaged() async throws {
    var setting = try await Setting()
    for round in 0..<3 { try await setting.backup(0..<6, seed: UInt64(round)) }
    let before = try setting.scratch.files()
    for name in before where !name.hasPrefix("keys/") && name != "config" {
      let url = URL(fileURLWithPath: setting.scratch.root + "/" + name)
      let bytes = try Data(contentsOf: url)
      try bytes.dropLast(1).write(to: url)
      do {
        _ = try await setting.prune { $0.tolerance = .bytes(0) }
        Issue.record("\(name) was cut short, and prune did not notice")
      } catch let error as RepositoryError {
        #expect(error.code == .corrupted, "\(name): \(error)")
      }
      #expect(try setting.scratch.files() == before)
      try bytes.write(to: url)
    }
    try await setting.expectSound()
  }

  @Test("a pack that is missing ends a prune when a snapshot needs it, and is dropped from the index when none does")
  func missingPack() async throws {
    var setting = try await Setting()
    try await setting.backup(0..<6, seed: 1)
    let first = try setting.files("data")
    for pack in first {
      let bytes = try await setting.scratch.store.get(pack)
      try await setting.scratch.store.delete(pack)
      let before = try setting.scratch.files()
      await expect(.blobNotFound) { try await setting.prune() }
      #expect(try setting.scratch.files() == before)
      try await setting.scratch.store.put(pack, bytes)
    }
    try await setting.backup(0..<6, seed: 2)
    try await setting.forget { $0 == 0 }
    try await setting.scratch.store.delete(first[0])
    _ = try await setting.prune()
    #expect(try setting.files("data").allSatisfy { !first.contains($0) })
    try await setting.expectSound()
  }

  @Test("random backups, forgets and prunes leave what a model says")
  func model() async throws {
    var dice = SplitMix(state: 4)
    var setting = try await Setting(packSize: 200_000)
    for round in 0..<12 {
      let first = Int.random(in: 0..<8, using: &dice)
      try await setting.backup(
        first..<first + Int.random(in: 1..<6, using: &dice), seed: UInt64(100 + round),
        bytes: Int.random(in: 1..<200_000, using: &dice))
      if Bool.random(using: &dice) {
        let forgotten = Set((0..<3).map { _ in Int.random(in: 0..<setting.snapshots.count, using: &dice) })
        try await setting.forget { forgotten.contains($0) }
      }
      if Bool.random(using: &dice) {
        let percent = Double.random(in: 0..<60, using: &dice)
        _ = try await setting.prune { $0.tolerance = .percent(percent) }
      }
      if round % 4 == 3 { try await setting.expectSound() }
    }
  }

  @Test("progress is told, phase by phase, to its end")
  func progress() async throws {
    var setting = try await Setting()
    for round in 0..<3 { try await setting.backup(0..<6, seed: UInt64(round)) }
    try await setting.forget { $0 < 2 }
    let told = Told()
    _ = try await setting.prune { $0.progress = { told.add($0) } }
    let phases = told.all.map(\.phase)
    #expect(phases == phases.sorted { $0.order < $1.order })
    #expect(Set(phases).isSuperset(of: [.readingIndex, .findingUsed, .removingPacks]))
    for progress in told.all { if let total = progress.total { #expect(progress.done <= total) } }
    #expect(told.all.last.map { $0.done == $0.total } == true)
  }
}
