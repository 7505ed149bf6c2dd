import Foundation
import NIOCore
import ObjectStore
import Repository
import Testing

@Suite("What a restore promises")
struct RestorerTests {
  private let attributes = NodeAttributes(mode: 0o644, modified: UnixTime(seconds: 1_000_000_000))

  @Test(
    "a tree whose names would lead out of the target is refused, and nothing outside is touched",
    arguments: ["..", ".", "../outside", "/outside", "a/b", "", "a\u{0}b"])
  func traversal(_ name: String) async throws {
    let scratch = try ScratchRepository()
    let repository = try await scratch.create()
    let writer = try await repository.blobWriter()
    let blob = try await writer.save(.data, ByteBuffer(string: "evil")).id
    var encoder = TreeEncoder()
    encoder.append(Node(name: ByteString(name), kind: .file(size: 4, content: [blob]), attributes: attributes))
    let snapshot = try await save(encoder.finish(), writer, repository)
    await expect(.corrupted) {
      try await Restorer(repository: repository).restore(snapshot, to: ByteString(scratch.path + "/target/inner"))
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/target/inner") == [])
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/target") == ["inner"])
  }

  @Test("a symbolic link that stands in the target is replaced, not followed")
  func linkInTarget() async throws {
    let scratch = try ScratchRepository()
    try scratch.write(Array("inner".utf8), to: "source/directory/file")
    try scratch.write([], to: "outside/keep")
    try scratch.write([], to: "target/other")
    try await OddTree.shell(#"ln -s ../outside "$1/target/directory""#, scratch.path)
    let repository = try await scratch.create()
    let report = try await Archiver(repository: repository).archive(
      ByteString(scratch.path + "/source"), as: SnapshotDescription(paths: ["/source"]))
    await expect(.targetNotEmpty) {
      try await Restorer(repository: repository).restore(report.snapshot, to: ByteString(scratch.path + "/target"))
    }
    var options = Restorer.Options()
    options.existing = .replace
    _ = try await Restorer(repository: repository, options: options).restore(
      report.snapshot, to: ByteString(scratch.path + "/target"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/outside") == ["keep"])
    #expect(FileManager.default.fileExists(atPath: scratch.path + "/target/other"))
    #expect(FileManager.default.contents(atPath: scratch.path + "/target/directory/file") == Data("inner".utf8))
  }

  @Test("a part of a snapshot is restored alone: a directory, or a single file")
  func parts() async throws {
    let scratch = try ScratchRepository()
    try scratch.write(Array("one".utf8), to: "source/a/b/one")
    try scratch.write(Array("two".utf8), to: "source/a/two")
    let repository = try await scratch.create()
    let snapshot = try await Archiver(repository: repository).archive(
      ByteString(scratch.path + "/source"), as: SnapshotDescription(paths: ["/source"])
    ).snapshot
    let restorer = Restorer(repository: repository)
    _ = try await restorer.restore(snapshot, path: "/a/b", to: ByteString(scratch.path + "/directory"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/directory") == ["one"])
    _ = try await restorer.restore(snapshot, path: "a/two", to: ByteString(scratch.path + "/file"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/file") == ["two"])
    await expect(.pathNotFound) {
      try await restorer.restore(snapshot, path: "a/three", to: ByteString(scratch.path + "/none"))
    }
  }

  @Test("a pack with a flipped bit ends the restore with an error that names the blob")
  func damage() async throws {
    let scratch = try ScratchRepository()
    try scratch.write(noise(3 << 20, seed: 1).readableBytesView, to: "source/file")
    let repository = try await scratch.create()
    let snapshot = try await Archiver(repository: repository).archive(
      ByteString(scratch.path + "/source"), as: SnapshotDescription(paths: ["/source"])
    ).snapshot
    let packs = try scratch.files().filter { $0.hasPrefix("data/") }
    let urls = packs.map { URL(fileURLWithPath: scratch.root + "/" + $0) }
    let url = try #require(try urls.first { try Data(contentsOf: $0).count > 2_000_000 })
    var bytes = try Data(contentsOf: url)
    bytes[1_000_000] ^= 1
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: url.path)
    try bytes.write(to: url)
    let error = await expect(.corrupted) {
      try await Restorer(repository: repository).restore(snapshot, to: ByteString(scratch.path + "/target"))
    }
    #expect(error?.message.contains("blob") == true)
  }

  private func save(_ tree: ByteBuffer, _ writer: BlobWriter, _ repository: Repository) async throws -> Snapshot {
    let id = try await writer.save(.tree, tree).id
    try await writer.flush()
    await writer.close()
    return try await repository.saveSnapshot(Snapshot(time: .now, tree: id, paths: ["/"], hostname: "tests"))
  }
}
