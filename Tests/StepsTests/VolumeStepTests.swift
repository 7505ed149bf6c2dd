import Foundation
import Glibc
import Steps
import TestSupport
import Testing
import TidemarkAPI

@Suite("The steps volume-backup and volume-restore", .serialized)
struct VolumeStepTests {
  @Test("volumes come back as they were, each from its snapshot; restic checks and restores them too")
  func roundTrip() async throws {
    try await FilesBench.with { bench in
      try Self.fill(bench)
      let product = try await bench.backUp(.volumeBackup, try Self.backup(bench, "one"))
      #expect(product.snapshots.map(\.claim) == ["data", "logs"])
      #expect(product.snapshots.map(\.files) == [4, 1])
      #expect(product.inconsistencies == FileInconsistencies(changed: 0, vanished: 0, names: []))
      try await bench.restic("check", "--read-data")
      let before = try await bench.listing(bench.scratch.file("data"))

      try Self.harm(bench)
      let restored = try await bench.restore(.volumeRestore, try Self.restore(bench, product))
      #expect(restored.written >= 4)
      #expect(try await bench.listing(bench.scratch.file("data")) == before)
      #expect(try Self.text(bench, "data/docs/a.txt") == "first")
      #expect(try Self.text(bench, "logs/app.log") == "line")

      let target = bench.scratch.file("by-restic")
      try await bench.restic("restore", product.snapshots[0].snapshot, "--target", target)
      #expect(try await bench.listing(target) == before)
    }
  }

  @Test("a second run reads only what changed; the same Backup again gives the same snapshots")
  func incremental() async throws {
    try await FilesBench.with { bench in
      try Self.fill(bench)
      let first = try await bench.backUp(.volumeBackup, try Self.backup(bench, "one"))
      #expect(first.size.added > 2_000_000)
      try "second".write(toFile: bench.scratch.file("data/docs/a.txt"), atomically: true, encoding: .utf8)
      let second = try await bench.backUp(.volumeBackup, try Self.backup(bench, "two"))
      #expect(second.size.added < 20_000)
      let again = try await bench.backUp(.volumeBackup, try Self.backup(bench, "two"))
      #expect(again.snapshots == second.snapshots)
    }
  }

  @Test("chosen paths are restored, and nothing else is touched")
  func paths() async throws {
    try await FilesBench.with { bench in
      try Self.fill(bench)
      let product = try await bench.backUp(.volumeBackup, try Self.backup(bench, "one"))
      try Self.harm(bench)
      var input = try Self.restore(bench, product)
      input.paths = ["docs/a.txt"]
      input.volumes = input.volumes.filter { $0.claim == "data" }
      let restored = try await bench.restore(.volumeRestore, input)
      #expect(restored.written == 1)
      #expect(try Self.text(bench, "data/docs/a.txt") == "first")
      #expect(try Self.text(bench, "data/extra") == "not in the backup")
      #expect(!FileManager.default.fileExists(atPath: bench.scratch.file("data/big")))
    }
  }

  @Test("exclude leaves out what it names")
  func exclude() async throws {
    try await FilesBench.with { bench in
      try Self.fill(bench)
      var input = try Self.backup(bench, "one")
      input.exclude = ["*.txt", "/big"]
      let product = try await bench.backUp(.volumeBackup, input)
      #expect(product.snapshots.map(\.files) == [1, 1])
    }
  }

  @Test("a volume that is not there fails the backup, and leaves no snapshot of the others")
  func missing() async throws {
    try await FilesBench.with { bench in
      try Self.fill(bench)
      try FileManager.default.removeItem(atPath: bench.scratch.file("logs"))
      let result = try await bench.run(.volumeBackup, try Self.backup(bench, "one"))
      guard case .failed(let failure) = result else {
        throw TestFailed("it did not fail: \(String(describing: result))")
      }
      #expect(failure.message.contains("logs"))
      #expect(try await !bench.restic("snapshots", "--json").contains("short_id"))
    }
  }

  @Test("a file that never holds still is named, and the backup is there")
  func changing() async throws {
    try await FilesBench.with { bench in
      try Self.fill(bench)
      let writer = try RunningProgram.start(
        "sh", ["-c", "while :; do echo x >> '\(bench.scratch.file("data/big"))'; done"])
      let product: FilesProduct
      do {
        product = try await bench.backUp(.volumeBackup, try Self.backup(bench, "one"))
      } catch {
        try await writer.kill()
        throw error
      }
      try await writer.kill()
      #expect(product.inconsistencies.changed == 1)
      #expect(product.inconsistencies.names.contains { $0.contains("big") })
    }
  }

  // MARK: Volumes

  private static func fill(_ bench: FilesBench) throws {
    let files = FileManager.default
    let data = bench.scratch.file("data")
    try files.createDirectory(atPath: "\(data)/docs/deep", withIntermediateDirectories: true)
    try files.createDirectory(atPath: bench.scratch.file("logs"), withIntermediateDirectories: true)
    try "first".write(toFile: "\(data)/docs/a.txt", atomically: true, encoding: .utf8)
    try "deep".write(toFile: "\(data)/docs/deep/b.txt", atomically: true, encoding: .utf8)
    try "run".write(toFile: "\(data)/script.sh", atomically: true, encoding: .utf8)
    chmod("\(data)/script.sh", 0o751)
    symlink("docs/a.txt", "\(data)/link")
    mkfifo("\(data)/pipe", 0o640)
    var generator = SystemRandomNumberGenerator()
    let random = Data((0..<300_000).flatMap { _ in withUnsafeBytes(of: generator.next(), Array.init) })
    try random.write(to: URL(fileURLWithPath: "\(data)/big"))
    try "line".write(toFile: bench.scratch.file("logs/app.log"), atomically: true, encoding: .utf8)
  }

  private static func harm(_ bench: FilesBench) throws {
    let data = bench.scratch.file("data")
    try "harmed".write(toFile: "\(data)/docs/a.txt", atomically: true, encoding: .utf8)
    try FileManager.default.removeItem(atPath: "\(data)/big")
    try "not in the backup".write(toFile: "\(data)/extra", atomically: true, encoding: .utf8)
    try FileManager.default.removeItem(atPath: bench.scratch.file("logs/app.log"))
  }

  private static func text(_ bench: FilesBench, _ path: String) throws -> String {
    try String(contentsOfFile: bench.scratch.file(path), encoding: .utf8)
  }

  private static func volumes(_ bench: FilesBench) -> [VolumeInput] {
    ["data", "logs"].map { VolumeInput(claim: $0, path: bench.scratch.file($0)) }
  }

  private static func backup(_ bench: FilesBench, _ uid: String) throws -> VolumeBackupInput {
    VolumeBackupInput(
      backup: try bench.served(uid), cluster: try bench.cluster, store: try bench.store(),
      repositoryPrefix: bench.place, volumes: volumes(bench))
  }

  private static func restore(_ bench: FilesBench, _ product: FilesProduct) throws -> VolumeRestoreInput {
    let snapshots = Dictionary(
      product.snapshots.map { ($0.claim ?? "", $0.snapshot) }
    ) { first, _ in first }
    return VolumeRestoreInput(
      request: try bench.served("restore-request"), cluster: try bench.cluster, store: try bench.store(),
      repositoryPrefix: bench.place,
      volumes: volumes(bench).map { volume in
        VolumeInput(claim: volume.claim, path: volume.path, snapshot: snapshots[volume.claim])
      })
  }
}
