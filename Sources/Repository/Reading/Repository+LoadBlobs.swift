public import NIOCore

extension Repository {
  /// How blobs are best read: see `PackRead`. The index has to be loaded; a blob that it does not know is an error.
  public func readPlan(_ type: BlobType, _ ids: some Sequence<BlobID>) throws -> [PackRead] {
    var wanted: Set<BlobID> = []
    return try PackRead.plan(
      ids.lazy.filter { wanted.insert($0).inserted }.map { id in
        guard let location = location(of: type, id) else { throw Self.unknown(type, id) }
        return WantedBlob(id: id, location: location)
      })
  }

  /// Reads many blobs fast: neighbours at once, several ranges at a time, opened and verified on all processors.
  ///
  /// `body` is called once for every distinct blob, from several tasks at once and in no promised order. What is held
  /// (fetched ranges, and one plaintext for each) stays within `budget`, by default a new one of the repository's
  /// `byteBudget`; while `body` waits, its range is held. The first error ends all.
  public func loadBlobs(
    _ type: BlobType, _ ids: some Sequence<BlobID>, budget: ByteBudget? = nil,
    _ body: @escaping @Sendable (BlobID, ByteBuffer) async throws -> Void
  ) async throws {
    try await perform(try readPlan(type, ids), budget: budget, body)
  }

  /// Carries out a plan; see `loadBlobs`.
  public func perform(
    _ plan: [PackRead], budget: ByteBudget? = nil,
    _ body: @escaping @Sendable (BlobID, ByteBuffer) async throws -> Void
  ) async throws {
    let budget = budget ?? ByteBudget(capacity: options.byteBudget)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (position, read) in plan.enumerated() {
        if position >= max(1, options.connections) { try await group.next() }
        group.addTask { try await self.perform(read, budget: budget, body) }
      }
      try await group.waitForAll()
    }
  }

  private func perform(
    _ read: PackRead, budget: ByteBudget, _ body: @Sendable (BlobID, ByteBuffer) async throws -> Void
  ) async throws {
    let largest = read.blobs.reduce(0) { max($0, $1.location.plaintextLength) }
    let held = try await budget.acquire(read.byteCount + largest)
    defer { budget.release(held) }
    let bytes = try await packBytes(read.pack, read.range)
    for blob in read.blobs {
      let start = Int(blob.location.range.lowerBound - read.range.lowerBound)
      let plaintext = try bytes.withUnsafeReadableBytes { range in
        try openBlob(
          UnsafeRawBufferPointer(rebasing: range[start..<start + Int(blob.location.length)]), id: blob.id,
          location: blob.location)
      }
      try await body(blob.id, plaintext)
    }
  }
}
