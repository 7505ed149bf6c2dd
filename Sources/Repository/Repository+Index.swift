import NIOCore
import ObjectStore

extension Repository {
  /// Reads the index files that have not been read yet. Blobs that others have stored since are known afterwards.
  ///
  /// The first time after a lock was taken, when this process held none before, all are read: a prune may have removed
  /// what was known.
  public func loadIndex() async throws {
    try await indexFiles.withTurn {
      if indexFiles.takeDoubt() { index.removeAll() }
      let known = indexFiles.loaded
      let missing = try await list(.index).filter { !known.contains($0) }
      _ = try await inParallel(missing, limit: options.connections) { id in
        let packs: [PackContents]
        do {
          packs = try IndexFile.decode(try await self.load(.index, id), of: "index \(id.hexadecimal)")
        } catch let error as ObjectStoreError where error.code == .notFound {
          return  // replaced by another since it was listed
        }
        self.index.insert(packs)
        self.indexFiles.noteLoaded(id)
      }
    }
  }

  /// Whether the index knows the blob. The index has to be loaded.
  public func contains(_ type: BlobType, _ id: BlobID) -> Bool { location(of: type, id) != nil }

  /// Where the blob lies; nil when the index does not know it. The index has to be loaded.
  public func location(of type: BlobType, _ id: BlobID) -> BlobLocation? { index.location(type, id) }

  /// Distinct blobs that the index knows.
  public var blobCount: Int { index.count }

  /// Bytes of memory that the index takes.
  public var indexMemory: Int { index.memory }

  /// Forgets what was read of the index, and packs that wait for their index file. The next `loadIndex()` reads all.
  func forgetIndex() {
    indexFiles.doubt()
    _ = indexFiles.takeDoubt()
    index.removeAll()
  }

  /// Makes the entries of a durable pack known here, and queues them for an index file.
  func notePack(_ contents: PackContents) {
    index.insert([contents])
    indexFiles.notePending(contents)
  }

  /// Writes the entries that wait for an index file, if the oldest has waited for long enough or they fill a file.
  func savePendingIndexIfDue() async throws {
    if indexFiles.isDue(after: options.indexInterval) { try await savePendingIndex() }
  }

  /// Writes all entries that wait for an index file. On return the packs noted before are indexed for good.
  func savePendingIndex() async throws {
    try await indexFiles.withTurn {
      while let packs = indexFiles.takePending(atMost: IndexFile.maximumBlobs) {
        do {
          try heldLocks.ensureHeld()
          indexFiles.noteLoaded(try await save(.index, IndexFile.encode(packs)))
        } catch {
          indexFiles.returnPending(packs)
          throw error
        }
      }
    }
  }
}
