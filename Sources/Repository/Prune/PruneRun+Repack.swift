import NIOCore

extension PruneRun {
  /// Blobs whose reads are planned at once: about 10 MiB of plan.
  private static let plannedBlobs = 65_536
  /// Bytes of packs whose reads are planned at once: between two such lots the lock and the time are looked at.
  private static let plannedBytes: Int64 = 256 << 20

  /// Writes what is needed of the packs that are to be repacked to new packs. On return those are durable and in index
  /// files; how many and how large they are.
  ///
  /// Sealed blobs are copied as they are, after each was opened and compared with its name: nothing damaged is carried
  /// over, and nothing is compressed and sealed twice. Only trees that lie uncompressed are encoded anew.
  func repack(_ plan: inout PrunePlan, _ uses: [PackUse]) async throws -> BlobWriterStatistics {
    let packs = plan.fates.indices.filter { plan.fates[$0] == .repack }
    for number in plan.fates.indices where plan.fates[number] == .keep { index.keep(number) }
    guard !packs.isEmpty else {
      try refuseLoss()
      return BlobWriterStatistics()
    }
    tell(.repacking, 0, of: packs.count)
    let deadline = options.repackingTime.map { ContinuousClock.now + $0 }
    let writer = BlobWriter(repository)
    do {
      var done = 0
      while done < packs.count {
        if let deadline, .now >= deadline {
          for number in packs[done...] {
            plan.postpone(number, uses[number])
            index.keep(number)
          }
          break
        }
        var wanted: [(type: BlobType, blob: WantedBlob)] = []
        var bytes: Int64 = 0
        while done < packs.count, wanted.count < Self.plannedBlobs, bytes < Self.plannedBytes {
          bytes += uses[packs[done]].size
          for type in [BlobType.data, .tree] {
            wanted += index.takeUnplaced(type, of: packs[done]).map { (type, $0) }
          }
          done += 1
        }
        for type in [BlobType.data, .tree] {
          let reads = PackRead.plan(wanted.lazy.filter { $0.type == type }.map(\.blob))
          try await copy(reads, type, to: writer)
        }
        try lock.ensureHeld()
        tell(.repacking, done, of: packs.count)
      }
      try refuseLoss()
      try await writer.flush()
    } catch {
      await writer.close()
      throw error
    }
    await writer.close()
    return writer.statistics
  }

  private func copy(_ reads: [PackRead], _ type: BlobType, to writer: BlobWriter) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      var limit = ReaderLimit(most: max(1, repository.options.connections))
      for read in reads {
        try await limit.start(in: &group) { try await copy(read, type, to: writer) }
      }
      try await group.waitForAll()
    }
  }

  /// The bytes that were read count as the packs' from where they are copied. A reader waits before it reads and at no
  /// time after, so readers and packs cannot wait for each other.
  private func copy(_ read: PackRead, _ type: BlobType, to writer: BlobWriter) async throws {
    let held = try await writer.budget.acquire(read.byteCount)
    defer { writer.budget.release(held) }
    let bytes = try await repository.packBytes(read.pack, read.range)
    try bytes.withUnsafeReadableBytes { range in
      for wanted in read.blobs {
        let start = Int(wanted.location.range.lowerBound - read.range.lowerBound)
        let sealed = UnsafeRawBufferPointer(rebasing: range[start..<start + Int(wanted.location.length)])
        let plaintext = try repository.openBlob(sealed, id: wanted.id, location: wanted.location)
        if type == .tree, !wanted.location.isCompressed {
          try writer.encodeNow(type, wanted.id, plaintext)
        } else {
          try writer.copyNow(type, wanted.id, sealed, uncompressedLength: wanted.location.uncompressedLength)
        }
      }
    }
  }

  /// A mistake in the plan must end the prune before it removes anything.
  private func refuseLoss() throws {
    let lost = index.unplacedCount
    precondition(lost == 0, "a prune would have removed \(lost) blobs that snapshots need; it removed nothing")
  }
}
