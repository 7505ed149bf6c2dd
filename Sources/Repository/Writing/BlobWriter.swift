public import NIOCore

/// What became of a blob that was saved.
public struct SavedBlob: Sendable, Hashable {
  /// Its name.
  public let id: BlobID
  /// Bytes of its plaintext.
  public let length: Int
  /// Whether it had to be stored; false when the repository had it, or it was saved a moment ago.
  public let isNew: Bool
}

/// What a writer has done so far.
public struct BlobWriterStatistics: Sendable, Hashable {
  /// Data blobs that had to be stored.
  public var dataBlobs = 0
  /// Tree blobs that had to be stored.
  public var treeBlobs = 0
  /// Bytes of plaintext of blobs that had to be stored.
  public var bytesAdded = 0
  /// Bytes that they took, compressed and sealed, as far as they have been packed.
  public var bytesPacked = 0
  /// Bytes of plaintext that the repository had already.
  public var bytesKnown = 0
  /// Packs that are durable.
  public var packs = 0
  /// Bytes of those packs, with their headers.
  public var bytesUploaded = 0
}

/// Stores blobs: hash, look up, compress, seal, pack, upload. The first two happen in the caller's task, the rest in a
/// bounded number of tasks behind it.
///
/// Guarantees: what is in flight never exceeds the repository's byte budget (and a caller waits for its turn); the same
/// blob is stored once; nothing is durable until `flush()` has returned. After an error every call fails with it.
/// Letting go of the writer ends its tasks; what was not flushed is lost, but for packs that were indexed on the way.
public final class BlobWriter: Sendable {
  private let pipeline: BlobPipeline
  private let work: Task<Void, Never>

  init(_ repository: Repository) {
    let pipeline = BlobPipeline(repository)
    self.pipeline = pipeline
    self.work = Task { await pipeline.run() }
  }

  deinit {
    pipeline.fail(BlobPipeline.closed)
    work.cancel()
  }

  /// Takes a blob. It has been hashed and looked up when this returns; it is durable when a later `flush()` returns.
  ///
  /// `bytes` should share its memory with little else, since only its own length counts against the budget.
  public func save(_ type: BlobType, _ bytes: ByteBuffer) async throws -> SavedBlob {
    try await pipeline.save(type, bytes)
  }

  /// Puts a sealed blob into a pack as it is, whether or not the index knows it. Does not wait: its bytes are added to
  /// what the budget counts.
  func copyNow(_ type: BlobType, _ id: BlobID, _ sealed: UnsafeRawBufferPointer, uncompressedLength: UInt32) throws {
    try pipeline.copyNow(type, id, sealed, uncompressedLength: Int(uncompressedLength))
  }

  /// As `copyNow`, for a plaintext that has to be encoded first.
  func encodeNow(_ type: BlobType, _ id: BlobID, _ plaintext: ByteBuffer) throws {
    try pipeline.encodeNow(type, id, plaintext)
  }

  /// Waits until all blobs that were saved before are durable and in a durable index file.
  public func flush() async throws { try await pipeline.flush() }

  /// Ends the writer, and waits until none of its uploads is under way. What was not flushed is given up.
  public func close() async {
    pipeline.fail(BlobPipeline.closed)
    work.cancel()
    await work.value
  }

  /// What has been done so far.
  public var statistics: BlobWriterStatistics { pipeline.statistics }

  /// The budget that bounds what is in flight; its peak is what was held at most.
  public var budget: ByteBudget { pipeline.budget }
}

extension Repository {
  /// A new writer. Loads the index first, so that what is there is not stored again.
  public func blobWriter() async throws -> BlobWriter {
    try await loadIndex()
    return BlobWriter(self)
  }
}
