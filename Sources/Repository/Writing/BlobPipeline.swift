import NIOCore
import ObjectStore
import Synchronization

/// The way of a blob behind `BlobWriter`.
///
/// One budget counts every byte from the moment a blob is taken until its pack is durable. A second, smaller one counts
/// the plaintext that waits for a worker: readers are faster than compression, and without it they would fill the
/// whole budget with plaintext, for nothing.
final class BlobPipeline: Sendable {
  static let closed = RepositoryError(
    .writerClosed, "the writer of blobs has been closed; make a new one from the repository")

  private struct Job: Sendable {
    let type: BlobType
    let id: BlobID
    let bytes: ByteBuffer
    /// What is held of the budget, and of the backlog.
    let held: Int
    let queued: Int
  }

  private struct State {
    var claimed: [BlobType: Set<BlobID>] = [.data: [], .tree: []]
    /// Jobs and packs that are under way.
    var outstanding = 0
    var waitingForIdle: [CheckedContinuation<Void, any Error>] = []
    var failure: (any Error)?
    var statistics = BlobWriterStatistics()
  }

  let budget: ByteBudget
  private let backlog: ByteBudget
  private let repository: Repository
  private let packSize: Int
  private let packMemory: PackMemory
  private let jobs = WorkQueue<Job>()
  private let uploads = WorkQueue<SealedPack>()
  private let openPacks: Mutex<[BlobType: PackBuilder]> = Mutex([:])
  private let state = Mutex(State())

  init(_ repository: Repository) {
    self.repository = repository
    budget = ByteBudget(capacity: repository.options.byteBudget)
    backlog = ByteBudget(capacity: min(16 << 20, max(1, repository.options.byteBudget / 8)))
    // Both open packs together stay below half of the budget, so that the largest wish, the other half, can be granted
    // while they are open.
    packSize = min(repository.options.packSize, max(1, repository.options.byteBudget / 4))
    packMemory = PackMemory(size: packSize)
  }

  var statistics: BlobWriterStatistics { state.withLock { $0.statistics } }

  // MARK: The caller's side

  func save(_ type: BlobType, _ bytes: ByteBuffer) async throws -> SavedBlob {
    let length = bytes.readableBytes
    guard length <= Int(Int32.max) - 1024 else {
      throw RepositoryError(.invalidRequest, "a blob of \(length) bytes is too large; cut it below 2 GiB")
    }
    let id = BlobID(SHA256Digest(hashing: bytes))
    guard try claim(type, id, length: length) else { return SavedBlob(id: id, length: length, isNew: false) }
    let job: Job
    do {
      let queued = try await backlog.acquire(length)
      do {
        let held = try await budget.acquire(length + RepositoryKey.overhead)
        job = Job(type: type, id: id, bytes: bytes, held: held, queued: queued)
      } catch {
        backlog.release(queued)
        throw error
      }
    } catch {
      abandon(type, id)
      throw error
    }
    jobs.add(job)
    return SavedBlob(id: id, length: length, isNew: true)
  }

  func flush() async throws {
    try await waitUntilIdle()
    let packs = openPacks.withLock { packs in
      let filled = packs.values.filter { !$0.isEmpty }
      packs = [:]
      return filled
    }
    for pack in packs { try finish(pack) }
    try await waitUntilIdle()
    try await repository.savePendingIndex()
  }

  func fail(_ error: any Error) {
    let waiting: [CheckedContinuation<Void, any Error>]? = state.withLock { state in
      guard state.failure == nil else { return nil }
      state.failure = error
      defer { state.waitingForIdle = [] }
      return state.waitingForIdle
    }
    guard let waiting else { return }
    budget.fail(error)
    backlog.fail(error)
    jobs.finish()
    uploads.finish()
    for waiter in waiting { waiter.resume(throwing: error) }
  }

  /// Whether the blob is new, and the caller's to store. Counts a new one as outstanding.
  private func claim(_ type: BlobType, _ id: BlobID, length: Int) throws -> Bool {
    try state.withLock { state in
      if let failure = state.failure { throw failure }
      guard state.claimed[type]?.contains(id) == false, repository.index.location(type, id) == nil else {
        state.statistics.bytesKnown += length
        return false
      }
      state.claimed[type]?.insert(id)
      state.outstanding += 1
      state.statistics.bytesAdded += length
      switch type {
      case .data: state.statistics.dataBlobs += 1
      case .tree: state.statistics.treeBlobs += 1
      }
      return true
    }
  }

  /// A claim that came to nothing. Others may have relied on it, so the writer can flush no more.
  private func abandon(_ type: BlobType, _ id: BlobID) {
    fail(
      RepositoryError(
        .writerClosed,
        "a blob was given up while it waited for its turn (its task was cancelled); start the backup "
          + "again with a new writer"))
  }

  private func waitUntilIdle() async throws {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        let answer: Result<Void, any Error>? = state.withLock { state in
          if let failure = state.failure { return .failure(failure) }
          if state.outstanding == 0 { return .success(()) }
          state.waitingForIdle.append(continuation)
          return nil
        }
        if let answer { continuation.resume(with: answer) }
      }
    } onCancel: {
      fail(CancellationError())
    }
  }

  private func begin() { state.withLock { $0.outstanding += 1 } }

  private func end() {
    let waiting: [CheckedContinuation<Void, any Error>] = state.withLock { state in
      state.outstanding -= 1
      guard state.outstanding == 0 else { return [] }
      defer { state.waitingForIdle = [] }
      return state.waitingForIdle
    }
    for waiter in waiting { waiter.resume() }
  }

  // MARK: The tasks behind it

  /// Works until the writer is closed or something fails.
  func run() async {
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<Processors.count { group.addTask { await self.encodeJobs() } }
      for _ in 0..<max(1, repository.options.connections) { group.addTask { await self.uploadPacks() } }
      // An error has been noted by the task that met it; the others are told by the first one that ends.
      await group.next()
      group.cancelAll()
    }
  }

  private func encodeJobs() async {
    let encoder = BlobEncoder(key: repository.key, level: repository.options.compressionLevel)
    while let job = await jobs.next() {
      do {
        try encode(job, with: encoder)
      } catch {
        return fail(error)
      }
    }
  }

  private func encode(_ job: Job, with encoder: BlobEncoder) throws {
    try encoder.encode(job.type, job.bytes) { sealed, uncompressedLength in
      backlog.release(job.queued)
      settle(held: job.held, packed: sealed.count)
      try append(job.type, job.id, sealed, uncompressedLength: uncompressedLength)
    }
    end()
  }

  /// Puts a sealed blob into the open pack of its type, whose bytes the budget counts already, and hands on what is full.
  private func append(
    _ type: BlobType, _ id: BlobID, _ sealed: UnsafeRawBufferPointer, uncompressedLength: Int
  ) throws {
    let filled = openPacks.withLock { packs in
      var filled: [PackBuilder] = []
      var pack = packs.removeValue(forKey: type) ?? newPack(type)
      if !pack.hasRoom(for: sealed.count) {
        filled.append(pack)
        pack = newPack(type)
      }
      pack.append(sealed, id: id, uncompressedLength: uncompressedLength)
      if pack.isFull { filled.append(pack) } else { packs[type] = pack }
      return filled
    }
    for pack in filled { try finish(pack) }
  }

  // MARK: For blobs that are sealed already

  /// Packs a sealed blob, without a look at the index, and without waiting for the budget: it is added.
  func copyNow(_ type: BlobType, _ id: BlobID, _ sealed: UnsafeRawBufferPointer, uncompressedLength: Int) throws {
    if let failure = state.withLock({ $0.failure }) { throw failure }
    settle(held: 0, packed: sealed.count)
    try append(type, id, sealed, uncompressedLength: uncompressedLength)
  }

  /// As `copyNow`, for a blob that has to be compressed and sealed first.
  func encodeNow(_ type: BlobType, _ id: BlobID, _ plaintext: ByteBuffer) throws {
    let encoder = BlobEncoder(key: repository.key, level: repository.options.compressionLevel)
    try encoder.encode(type, plaintext) { sealed, uncompressedLength in
      try copyNow(type, id, sealed, uncompressedLength: uncompressedLength)
    }
  }

  private func newPack(_ type: BlobType) -> PackBuilder {
    var memory = packMemory.take()
    memory.clear()
    return PackBuilder(type, target: packSize, in: memory)
  }

  /// The budget counts the sealed form from here on.
  private func settle(held: Int, packed: Int) {
    state.withLock { $0.statistics.bytesPacked += packed }
    if packed > held { budget.add(packed - held) } else { budget.release(held - packed) }
  }

  private func finish(_ pack: PackBuilder) throws {
    begin()
    let blobs = pack.length
    let sealed = try pack.sealed(with: repository.key)
    budget.add(sealed.bytes.readableBytes - blobs)
    uploads.add(sealed)
  }

  private func uploadPacks() async {
    while let pack = await uploads.next() {
      do {
        try await upload(pack)
        try await repository.savePendingIndexIfDue()
      } catch {
        return fail(error)
      }
    }
  }

  private func upload(_ pack: SealedPack) async throws {
    // The name is the hash of random bytes: whatever is there under it is the same, from an attempt before.
    try await repository.store.put(
      pack.key, pack.bytes, sha256: pack.contents.id.digest.content, condition: .always)
    repository.notePack(pack.contents)
    state.withLock { state in
      for blob in pack.contents.blobs { state.claimed[blob.type]?.remove(blob.id) }
      state.statistics.packs += 1
      state.statistics.bytesUploaded += pack.bytes.readableBytes
    }
    budget.release(pack.bytes.readableBytes)
    packMemory.giveBack(pack.bytes)
    end()
  }
}
