import Foundation
import Glibc
import Steps
import TestSupport
import Testing
import TidemarkAPI

@Suite("Old and new change places in all volumes or in none", .serialized)
struct VolumeExchangeTests {
  @Test("a restore that fails for one volume leaves the others as they are")
  func allOrNothing() async throws {
    try await FilesBench.with { bench in
      try Self.write(bench, "data/a", "old")
      try Self.write(bench, "logs/b", "old")
      let input = try await Self.backedUp(bench)
      try Self.write(bench, "data/a", "new")
      // Only one of the volumes has it.
      var chosen = input
      chosen.paths = ["a"]
      let result = try await bench.run(.volumeRestore, chosen)
      guard case .failed = result else { throw TestFailed("it did not fail: \(String(describing: result))") }
      #expect(try Self.text(bench, "data/a") == "new")
      #expect(try Self.leftovers(bench) == [])
    }
  }

  @Test("names that are not UTF-8 come back too, and those that the snapshot has not go")
  func foreignNames() async throws {
    try await FilesBench.with { bench in
      try Self.write(bench, "data/a", "old")
      try Self.write(bench, "logs/b", "old")
      let place = bench.scratch.file("data").utf8CString.dropLast()
      let kept = place + "/caf".utf8CString.dropLast() + [CChar(bitPattern: 0xE9), 0]
      let extra = place + "/extra".utf8CString.dropLast() + [CChar(bitPattern: 0xE9), 0]
      close(creat(Array(kept), 0o600))
      let input = try await Self.backedUp(bench)
      unlink(Array(kept))
      close(creat(Array(extra), 0o600))
      _ = try await bench.restore(.volumeRestore, input)
      #expect(access(Array(kept), F_OK) == 0 && access(Array(extra), F_OK) != 0)
    }
  }

  @Test("a path below another, and one named twice, are restored with it")
  func overlapping() async throws {
    try await FilesBench.with { bench in
      try Self.write(bench, "data/docs/deep/a", "old")
      try Self.write(bench, "data/docs/b", "old")
      try Self.write(bench, "logs/b", "old")
      var input = try await Self.backedUp(bench)
      try Self.write(bench, "data/docs/deep/a", "new")
      try Self.write(bench, "data/docs/b", "new")
      input.volumes = input.volumes.filter { $0.claim == "data" }
      input.paths = ["docs/deep", "/docs/", "docs"]
      _ = try await bench.restore(.volumeRestore, input)
      #expect(try Self.text(bench, "data/docs/deep/a") == "old" && Self.text(bench, "data/docs/b") == "old")
    }
  }

  @Test("a symbolic link on the way to a path is not followed")
  func links() async throws {
    try await FilesBench.with { bench in
      try Self.write(bench, "data/docs/a", "old")
      try Self.write(bench, "logs/b", "old")
      try Self.write(bench, "outside/a", "not the volume's")
      var input = try await Self.backedUp(bench)
      try FileManager.default.removeItem(atPath: bench.scratch.file("data/docs"))
      symlink(bench.scratch.file("outside"), bench.scratch.file("data/docs"))
      input.volumes = input.volumes.filter { $0.claim == "data" }
      input.paths = ["docs/a"]
      let result = try await bench.run(.volumeRestore, input)
      guard case .failed(let failure) = result else {
        throw TestFailed("it did not fail: \(String(describing: result))")
      }
      #expect(failure.message.contains("symbolic link"))
      #expect(try Self.text(bench, "outside/a") == "not the volume's")
    }
  }

  @Test("where an entry can't change places, those that did are put back")
  func putBack() async throws {
    try await FilesBench.with { bench in
      try Self.write(bench, "data/a", "old")
      try Self.write(bench, "data/b/c", "old")
      try Self.write(bench, "logs/b", "old")
      var input = try await Self.backedUp(bench)
      input.volumes = input.volumes.filter { $0.claim == "data" }
      // As a crash left it, and somebody made another b: it is a directory, and the new one is a file.
      let folder = "data/.tidemark-restore-restore-"
      try Self.write(bench, "\(folder)/new/a", "new")
      try Self.write(bench, "\(folder)/new/b", "new")
      try Self.write(bench, "\(folder)/old/b", "older")
      try Self.write(
        bench, "\(folder)/plan.json",
        #"{"entries":[{"place":[97],"isRestored":true},{"place":[98],"isRestored":true}],"files":2,"bytes":6,"problems":[]}"#
      )
      let result = try await bench.run(.volumeRestore, input)
      guard case .failed = result else { throw TestFailed("it did not fail: \(String(describing: result))") }
      #expect(try Self.text(bench, "data/a") == "old" && Self.text(bench, "data/b/c") == "old")
    }
  }

  // MARK: Volumes

  private static func write(_ bench: FilesBench, _ path: String, _ text: String) throws {
    let file = URL(filePath: bench.scratch.file(path))
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try text.write(to: file, atomically: true, encoding: .utf8)
  }

  private static func text(_ bench: FilesBench, _ path: String) throws -> String {
    try String(contentsOfFile: bench.scratch.file(path), encoding: .utf8)
  }

  private static func leftovers(_ bench: FilesBench) throws -> [String] {
    try ["data", "logs"].flatMap { try FileManager.default.contentsOfDirectory(atPath: bench.scratch.file($0)) }
      .filter { $0.hasPrefix(".tidemark") }
  }

  /// Backs both volumes up; the input of their restore.
  private static func backedUp(_ bench: FilesBench) async throws -> VolumeRestoreInput {
    let volumes = ["data", "logs"].map { VolumeInput(claim: $0, path: bench.scratch.file($0)) }
    let product = try await bench.backUp(
      .volumeBackup,
      VolumeBackupInput(
        backup: try bench.served("one"), cluster: try bench.cluster, store: try bench.store(),
        repositoryPrefix: bench.place, volumes: volumes))
    return VolumeRestoreInput(
      request: try bench.served("restore-request"), cluster: try bench.cluster, store: try bench.store(),
      repositoryPrefix: bench.place,
      volumes: zip(volumes, product.snapshots).map {
        VolumeInput(claim: $0.claim, path: $0.path, snapshot: $1.snapshot)
      })
  }
}
