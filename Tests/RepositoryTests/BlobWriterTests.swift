import NIOCore
import ObjectStore
import Repository
import Synchronization
import Testing

@Suite struct BlobWriterTests {
  @Test("the same blob saved by many tasks at once is stored once")
  func deduplication() async throws {
    let scratch = try ScratchRepository()
    let repository = try await scratch.create()
    let writer = try await repository.blobWriter()
    let new = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<16 {
        group.addTask {
          var new = 0
          for seed in 0..<40 where try await writer.save(.data, noise(30_000, seed: UInt64(seed))).isNew { new += 1 }
          return new
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(new == 40)
    try await writer.flush()
    #expect(writer.statistics.dataBlobs == 40)
    #expect(writer.statistics.bytesAdded == 40 * 30_000)
    #expect(writer.statistics.bytesKnown == 15 * 40 * 30_000)
    #expect(try await writer.save(.data, noise(30_000, seed: 0)).isNew == false)
    #expect(try await writer.save(.tree, noise(30_000, seed: 0)).isNew == true, "types are kept apart")
    try await writer.flush()
    let report = try await repository.check(.everyByte)
    #expect(report.isSound, "\(report.errors)")
    #expect(report.blobs == 41)
    #expect(report.packs == 2)
  }

  @Test("packs hold blobs of one type, and 16 MiB at most")
  func packs() async throws {
    let scratch = try ScratchRepository()
    let repository = try await scratch.create()
    let writer = try await repository.blobWriter()
    for seed in 0..<60 {
      _ = try await writer.save(.data, noise(1_000_000, seed: UInt64(seed)))
      _ = try await writer.save(.tree, prose(10_000, seed: UInt64(seed)))
    }
    try await writer.flush()
    var sizes: [Int64] = []
    for try await pack in scratch.store.list(prefix: "data/") { sizes.append(pack.size) }
    #expect(sizes.allSatisfy { $0 <= 16 << 20 })
    #expect(sizes.count == 5, "\(sizes)")
    #expect(writer.statistics.packs == sizes.count)
    #expect(try await repository.check(.everyByte).isSound)
  }

  @Test("what compresses is stored compressed, what does not is stored as it is")
  func compression() async throws {
    let scratch = try ScratchRepository()
    let repository = try await scratch.create()
    let writer = try await repository.blobWriter()
    let text = try await writer.save(.data, prose(100_000, seed: 1)).id
    let random = try await writer.save(.data, noise(100_000, seed: 1)).id
    let empty = try await writer.save(.data, ByteBuffer()).id
    let tree = try await writer.save(.tree, ByteBuffer(string: "{\"nodes\":[]}\n")).id
    try await writer.flush()
    #expect(repository.location(of: .data, text)?.isCompressed == true)
    #expect(repository.location(of: .data, random)?.isCompressed == false)
    #expect(repository.location(of: .data, empty)?.isCompressed == false)
    #expect(repository.location(of: .tree, tree)?.isCompressed == true, "restic packs raw trees again")
    #expect(repository.location(of: .data, text)?.plaintextLength == 100_000)
    #expect(repository.location(of: .data, random)?.plaintextLength == 100_000)
    #expect(try await repository.loadBlob(.data, empty).readableBytes == 0)
    #expect(try await repository.loadBlob(.data, text) == prose(100_000, seed: 1))
    #expect(try await repository.loadBlob(.data, random) == noise(100_000, seed: 1))
  }

  @Test("bytes in flight stay within the budget while the store is slow", arguments: [2 << 20, 24 << 20])
  func budget(capacity: Int) async throws {
    let scratch = try ScratchRepository()
    var options = ScratchRepository.quick
    options.byteBudget = capacity
    _ = try await scratch.create()
    let uploading = Mutex((now: 0, peak: 0))
    let store = CountingStore(scratch.store) { _, size in
      uploading.withLock { $0 = ($0.now + size, max($0.peak, $0.now + size)) }
      try await Task.sleep(for: .milliseconds(5))
      uploading.withLock { $0.now -= size }
    }
    let repository = try await Repository.open(
      in: store, password: RepositoryPassword(scratch.password), options: options)
    let writer = try await repository.blobWriter()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for task in 0..<8 {
        group.addTask {
          for round in 0..<12 {
            let seed = UInt64(task * 100 + round)
            _ = try await writer.save(.data, noise(500_000, seed: seed))
            _ = try await writer.save(.tree, prose(20_000, seed: seed))
          }
        }
      }
      try await group.waitForAll()
    }
    try await writer.flush()
    // Seals and headers are added without waiting: they may take it over by a little.
    #expect(writer.budget.peak <= capacity + capacity / 50 + 4096, "\(writer.budget.peak)")
    #expect(uploading.withLock { $0.peak } <= writer.budget.peak)
    #expect(writer.budget.inUse == 0)
    #expect(try await repository.check(.everyByte).isSound)
  }

  @Test("a blob larger than the whole budget still passes")
  func largeBlob() async throws {
    let scratch = try ScratchRepository()
    var options = ScratchRepository.quick
    options.byteBudget = 1 << 20
    let repository = try await scratch.create(options)
    let writer = try await repository.blobWriter()
    let content = noise(5 << 20, seed: 1)
    let ids = try await withThrowingTaskGroup(of: BlobID.self) { group in
      for _ in 0..<1 { group.addTask { try await writer.save(.data, content).id } }
      for seed in 2..<30 { group.addTask { try await writer.save(.data, noise(100_000, seed: UInt64(seed))).id } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    try await writer.flush()
    #expect(writer.budget.inUse == 0)
    #expect(ids.count == 29)
    #expect(try await repository.loadBlob(.data, BlobID(SHA256Digest(hashing: content))) == content)
  }

  @Test("an upload that fails makes every later call fail with its error, and nothing hangs")
  func failure() async throws {
    let scratch = try ScratchRepository()
    _ = try await scratch.create()
    let store = CountingStore(scratch.store) { key, _ in
      if key.hasPrefix("data/") {
        throw ObjectStoreError(.accessDenied, operation: "put", key: key, message: "no")
      }
    }
    var options = ScratchRepository.quick
    options.byteBudget = 8 << 20
    let repository = try await Repository.open(
      in: store, password: RepositoryPassword(scratch.password), options: options)
    let writer = try await repository.blobWriter()
    await #expect(throws: ObjectStoreError.self) {
      for seed in 0..<200 { _ = try await writer.save(.data, noise(200_000, seed: UInt64(seed))) }
      try await writer.flush()
    }
    await #expect(throws: ObjectStoreError.self) { try await writer.flush() }
    await #expect(throws: ObjectStoreError.self) { _ = try await writer.save(.data, noise(10, seed: 0)) }
    await writer.close()
    #expect(try await repository.snapshots().isEmpty)
  }

  @Test("a flush that fails for want of the index can be done by the next writer")
  func indexFailure() async throws {
    let scratch = try ScratchRepository()
    _ = try await scratch.create()
    let failing = Mutex(true)
    let store = CountingStore(scratch.store) { key, _ in
      if key.hasPrefix("index/"), failing.withLock({ $0 }) {
        throw ObjectStoreError(.server, operation: "put", key: key, message: "not now")
      }
    }
    let repository = try await Repository.open(in: store, password: RepositoryPassword(scratch.password))
    let writer = try await repository.blobWriter()
    _ = try await writer.save(.data, noise(1000, seed: 1))
    await #expect(throws: ObjectStoreError.self) { try await writer.flush() }
    failing.withLock { $0 = false }
    let second = try await repository.blobWriter()
    #expect(try await second.save(.data, noise(1000, seed: 1)).isNew == false)
    try await second.flush()
    let report = try await repository.check(.everyByte)
    #expect(report.isSound && report.warnings.isEmpty && report.blobs == 1, "\(report)")
  }

  @Test("a cancelled save does not hang, and the writer does not pretend to be whole afterwards")
  func cancellation() async throws {
    let scratch = try ScratchRepository()
    var options = ScratchRepository.quick
    options.byteBudget = 1 << 20
    _ = try await scratch.create()
    let store = CountingStore(scratch.store) { _, _ in try await Task.sleep(for: .seconds(60)) }
    let repository = try await Repository.open(
      in: store, password: RepositoryPassword(scratch.password), options: options)
    let writer = try await repository.blobWriter()
    let saving = Task {
      for seed in 0..<100 { _ = try await writer.save(.data, noise(200_000, seed: UInt64(seed))) }
    }
    while writer.budget.inUse < 600_000 { await Task.yield() }
    saving.cancel()
    await #expect(throws: (any Error).self) { try await saving.value }
    await #expect(throws: (any Error).self) { try await writer.flush() }
    await writer.close()
  }

  @Test("index files are saved on the way, so that another process finds the packs before the end")
  func intermediateIndex() async throws {
    let scratch = try ScratchRepository()
    var options = ScratchRepository.quick
    options.indexInterval = .zero
    options.packSize = 1 << 20
    let repository = try await scratch.create(options)
    let writer = try await repository.blobWriter()
    for seed in 0..<30 { _ = try await writer.save(.data, noise(200_000, seed: UInt64(seed))) }
    let other = try await scratch.open()
    for _ in 0..<1000 where other.blobCount == 0 {
      try await Task.sleep(for: .milliseconds(10))
      try await other.loadIndex()
    }
    #expect(other.blobCount > 0)
    await writer.close()
    #expect(try await other.check(.structure).isSound)
  }
}
