import Foundation
import NIOCore
import ObjectStore
import Repository
import Synchronization
import Testing

@Suite struct InteroperabilityTests {
  @Test("restic checks, lists and restores what we wrote, and all bytes are the same")
  func resticReadsOurs() async throws {
    let scratch = try ScratchRepository()
    let repository = try await scratch.create()
    let files = [
      "empty": ByteBuffer(), "one": ByteBuffer(string: "1"), "text": prose(3_500_000, seed: 1),
      "noise": noise(20_000_000, seed: 2), "zeros": ByteBuffer(repeating: 0, count: 5_000_000),
    ]
    let snapshot = try await HandMadeSnapshot.save(files, in: repository, tags: ["a tag", "another"])
    let report = try await scratch.restic("check", "--read-data")
    #expect(report.contains("no errors were found"))
    #expect(!report.lowercased().contains("warning"), "\(report)")
    let id = try #require(snapshot.id)
    #expect(try await scratch.restic("snapshots", "--json").contains(id.description))
    try await scratch.restic("restore", id.description, "--target", scratch.path + "/restored")
    for (name, content) in files {
      let restored = try Data(contentsOf: URL(fileURLWithPath: scratch.path + "/restored/" + name))
      #expect(restored.elementsEqual(content.readableBytesView), "\(name)")
    }
    #expect(try await scratch.restic("cat", "snapshot", id.description).contains("a tag"))
  }

  @Test("we read every blob of what restic backed up into the same repository")
  func weReadRestics() async throws {
    let scratch = try ScratchRepository()
    _ = try await scratch.create()
    try scratch.write(noise(3_000_000, seed: 3).readableBytesView, to: "source/noise")
    try scratch.write(prose(3_000_000, seed: 4).readableBytesView, to: "source/deep/er/text")
    try scratch.write([], to: "source/empty")
    try await scratch.restic("backup", "--tag", "theirs", scratch.path + "/source")
    let repository = try await scratch.open()
    let snapshots = try await repository.snapshots()
    let snapshot = try #require(snapshots.first)
    #expect(snapshots.count == 1)
    #expect(snapshot.tags == ["theirs"])
    #expect(snapshot.paths == [scratch.path + "/source"])
    #expect(abs(snapshot.time.duration(since: .now).components.seconds) < 300)
    #expect(try await repository.snapshot(snapshot.id?.short ?? "") == snapshot)
    try await repository.loadIndex()
    #expect(String(buffer: try await repository.loadBlob(.tree, snapshot.tree)).contains("\"nodes\""))
    let report = try await repository.check(.everyByte)
    #expect(report.isSound, "\(report.errors)")
    #expect(report.warnings.isEmpty, "\(report.warnings)")
    #expect(report.snapshots == 1)
    #expect(report.trees >= 4)
    #expect(report.bytesRead > 3_000_000)
  }

  @Test("both may write into one repository in turn, and what one stored the other does not store again")
  func bothWrite() async throws {
    let scratch = try ScratchRepository()
    let repository = try await scratch.create()
    let text = prose(300_000, seed: 6)
    _ = try await HandMadeSnapshot.save(["text": text], in: repository)
    // Below the smallest piece that restic cuts, so that its blob is the whole file, as ours is.
    try scratch.write(text.readableBytesView, to: "source/text")
    let output = try await scratch.restic("backup", "--json", scratch.path + "/source")
    #expect(output.contains("\"data_blobs\":0"), "\(output)")
    try await repository.loadIndex()
    let writer = try await repository.blobWriter()
    #expect(try await writer.save(.data, text).isNew == false)
    #expect(try await repository.snapshots().count == 2)
    #expect(try await repository.check(.everyByte).isSound)
  }

  @Test("restic forgets our snapshots, and we forget restic's")
  func forgetting() async throws {
    let scratch = try ScratchRepository()
    let repository = try await scratch.create()
    let ours = try await HandMadeSnapshot.save(["a": prose(1000, seed: 1)], in: repository)
    try scratch.write("x".utf8, to: "source/x")
    try await scratch.restic("backup", scratch.path + "/source")
    try await scratch.restic("forget", try #require(ours.id).description)
    let left = try await repository.snapshots()
    #expect(left.count == 1)
    let theirs = try #require(left.first?.id)
    try await repository.forget(theirs)
    try await repository.forget(theirs)
    #expect(try await repository.snapshots().isEmpty)
    await expect(.snapshotNotFound) { try await repository.snapshot(theirs.description) }
    #expect(!(try await scratch.restic("snapshots", "--json").contains(theirs.description)))
    try await scratch.restic("prune")
    try await scratch.restic("check", "--read-data")
  }

  @Test("an ambiguous prefix of a snapshot's id is refused")
  func ambiguousPrefix() async throws {
    let scratch = try ScratchRepository()
    let repository = try await scratch.create()
    for round in 0..<17 { _ = try await HandMadeSnapshot.save(["a": prose(10, seed: UInt64(round))], in: repository) }
    let digits = try await repository.snapshots().compactMap { $0.id?.description.first }
    let twice = try #require(digits.first { digit in digits.count { $0 == digit } > 1 })
    await expect(.snapshotAmbiguous) { try await repository.snapshot(String(twice)) }
    await expect(.snapshotNotFound) { try await repository.snapshot("") }
  }

  @Test("many blobs are read with few requests, each once, verified")
  func coalescedReads() async throws {
    let scratch = try ScratchRepository()
    let repository = try await scratch.create()
    let writer = try await repository.blobWriter()
    var contents: [BlobID: ByteBuffer] = [:]
    for seed in 0..<400 {
      let content = seed % 2 == 0 ? prose(50_000, seed: UInt64(seed)) : noise(50_000, seed: UInt64(seed))
      contents[try await writer.save(.data, content).id] = content
    }
    try await writer.flush()
    let counting = CountingStore(scratch.store)
    let reader = try await Repository.open(in: counting, password: RepositoryPassword(scratch.password))
    try await reader.loadIndex()
    let before = counting.gets
    let seen = Mutex<[BlobID: Int]>([:])
    let ids = contents.keys.map { $0 }
    let expected = contents
    try await reader.loadBlobs(.data, ids + ids.reversed()) { id, bytes in
      #expect(bytes == expected[id])
      seen.withLock { $0[id, default: 0] += 1 }
    }
    #expect(seen.withLock { $0.count } == contents.count)
    #expect(seen.withLock { $0.values.allSatisfy { $0 == 1 } })
    #expect(counting.gets - before < 10, "\(counting.gets - before) requests")
    await expect(.blobNotFound) { try await reader.loadBlob(.data, BlobID(SHA256Digest(1, 2, 3, 4))) }
  }
}
