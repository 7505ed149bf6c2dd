import Foundation
import NIOCore
import ObjectStore
import Repository
import Testing

@Suite struct CheckTests {
  @Test("a flipped bit anywhere in a pack, an index file or a snapshot is found")
  func tampering() async throws {
    let scratch = try ScratchRepository()
    let repository = try await scratch.create()
    _ = try await HandMadeSnapshot.save(["a": noise(40_000, seed: 1), "b": prose(40_000, seed: 2)], in: repository)
    #expect(try await repository.check(.everyByte).isSound)
    for name in try scratch.files() where ["data", "index", "snapshots"].contains(where: { name.hasPrefix($0) }) {
      let url = URL(fileURLWithPath: scratch.root + "/" + name)
      let whole = try Data(contentsOf: url)
      for position in Array(stride(from: 0, to: whole.count, by: max(1, whole.count / 50))) + [whole.count - 1] {
        var changed = whole
        changed[position] ^= 1 << UInt8(position % 8)
        try changed.write(to: url)
        let report = try await scratch.open().check(.everyByte)
        #expect(!report.isSound, "byte \(position) of \(name)")
      }
      try whole.write(to: url)
    }
    #expect(try await scratch.open().check(.everyByte).isSound)
  }

  @Test("a blob whose bytes were changed is not given out")
  func readingTampered() async throws {
    let scratch = try ScratchRepository()
    let repository = try await scratch.create()
    let writer = try await repository.blobWriter()
    let id = try await writer.save(.data, noise(1000, seed: 1)).id
    try await writer.flush()
    let location = try #require(repository.location(of: .data, id))
    let name = try #require(try scratch.files().first { $0.hasSuffix(location.pack.description) })
    let url = URL(fileURLWithPath: scratch.root + "/" + name)
    let whole = try Data(contentsOf: url)
    for position in stride(from: Int(location.offset), to: Int(location.offset) + Int(location.length), by: 13) {
      var changed = whole
      changed[position] ^= 0x80
      try changed.write(to: url)
      await expect(.corrupted) { try await repository.loadBlob(.data, id) }
    }
  }

  @Test("two blobs of a pack that were exchanged, each with its seal intact, are noticed")
  func exchangedBlobs() async throws {
    let scratch = try ScratchRepository()
    let repository = try await scratch.create()
    let writer = try await repository.blobWriter()
    let first = try await writer.save(.data, noise(1000, seed: 1)).id
    try await writer.flush()
    let second = try await writer.save(.data, noise(1000, seed: 2)).id
    try await writer.flush()
    let packs = try [first, second].map { id in
      let location = try #require(repository.location(of: .data, id))
      return scratch.root + "/data/\(location.pack.description.prefix(2))/\(location.pack)"
    }
    let contents = try packs.map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
    try contents[1].write(to: URL(fileURLWithPath: packs[0]))
    await expect(.corrupted) { try await repository.loadBlob(.data, first) }
    #expect(!(try await repository.check(.everyByte).isSound))
  }

  @Test("a missing or shortened pack is an error, a pack without an index a warning")
  func packs() async throws {
    let scratch = try ScratchRepository()
    let repository = try await scratch.create()
    _ = try await HandMadeSnapshot.save(["a": noise(40_000, seed: 1)], in: repository)
    try scratch.write(noise(500, seed: 1).readableBytesView, to: "repo/data/00/" + String(repeating: "0", count: 64))
    var report = try await repository.check(.structure)
    #expect(report.isSound)
    #expect(report.warnings.map(\.kind) == [.packNotIndexed])
    let data = try #require(
      try scratch.files().filter { $0.hasPrefix("data/") && !$0.hasPrefix("data/00") }.max { left, right in
        size(scratch, left) < size(scratch, right)
      })
    let url = URL(fileURLWithPath: scratch.root + "/" + data)
    let whole = try Data(contentsOf: url)
    try whole.dropLast().write(to: url)
    report = try await repository.check(.structure)
    #expect(report.errors.map(\.kind) == [.packSize])
    try FileManager.default.removeItem(at: url)
    report = try await repository.check(.structure)
    #expect(report.errors.map(\.kind) == [.packMissing])
  }

  @Test("a snapshot that needs what no index file lists is found, by us and by restic")
  func missingBlobs() async throws {
    let scratch = try ScratchRepository()
    let repository = try await scratch.create()
    let writer = try await repository.blobWriter()
    let lost = BlobID(SHA256Digest(hashing: ByteBuffer(string: "never stored")))
    let tree = try await writer.save(
      .tree,
      ByteBuffer(
        string: "{\"nodes\":[{\"name\":\"a\",\"type\":\"file\",\"mode\":420,\"content\":[\"\(lost)\"]},"
          + "{\"name\":\"b\",\"type\":\"dir\",\"mode\":2147484141,\"content\":null,\"subtree\":\"\(lost)\"}]}\n")
    ).id
    try await writer.flush()
    _ = try await repository.saveSnapshot(Snapshot(time: .now, tree: tree, paths: ["/a"], hostname: "here"))
    let report = try await repository.check(.structure)
    #expect(report.errors.map(\.kind) == [.blobMissing, .blobMissing])
    #expect(report.errors.allSatisfy { $0.message.contains(lost.description) })
    try await scratch.restic("check", expecting: 1)
  }

  private func size(_ scratch: ScratchRepository, _ name: String) -> Int {
    (try? FileManager.default.attributesOfItem(atPath: scratch.root + "/" + name)[.size] as? Int) ?? 0
  }
}
