import NIOCore

extension CheckRun {
  /// Every byte of every pack that the index lists: the pack's name, its header, and each blob.
  func readPacks() async throws {
    let budget = ByteBudget(capacity: repository.options.byteBudget)
    let packs = packs.sorted { $0.key < $1.key }
    let limit = min(repository.options.connections, 2 * Processors.count)
    _ = try await inParallel(packs, limit: limit) { id, expected in
      let held = try await budget.acquire(Int(expected.size))
      defer { budget.release(held) }
      try await self.readPack(id, expected)
    }
  }

  private func readPack(_ id: PackID, _ expected: Expectation) async throws {
    let bytes = try await finding(.packDamaged, "pack \(id)") { try await repository.packBytes(id, nil) }
    guard let bytes else { return }
    count { $0.bytesRead += Int64(bytes.readableBytes) }
    if SHA256Digest(hashing: bytes) != id.digest {
      error(
        .packDamaged,
        "pack \(id) is not what its name says: its bytes were changed; the blobs that are damaged are "
          + "listed too. 'restic repair packs' rescues the others")
    }
    let blobs = try await finding(.packDamaged, "the header of pack \(id)") {
      try PackHeader.read(from: bytes, of: id, key: repository.key)
    }
    guard let blobs else { return }
    compare(blobs, with: expected, in: id)
    for blob in blobs { try await verify(blob, in: bytes, of: id) }
  }

  private func compare(_ blobs: [PackedBlob], with expected: Expectation, in id: PackID) {
    let misplaced = blobs.filter { blob in
      guard let location = index.location(blob.type, blob.id) else { return true }
      return location.pack == id && (location.offset != blob.offset || location.length != blob.length)
    }
    if !misplaced.isEmpty || blobs.count != expected.blobs {
      error(
        .indexMismatch,
        "the index does not agree with the header of pack \(id) about its \(blobs.count) blobs; "
          + "'restic repair index' builds the index anew from the headers")
    }
  }

  private func verify(_ blob: PackedBlob, in bytes: ByteBuffer, of id: PackID) async throws {
    _ = try await finding(.blobDamaged, "\(blob.type.rawValue) blob \(blob.id)") {
      let location = BlobLocation(
        pack: id, offset: blob.offset, length: blob.length, uncompressedLength: blob.uncompressedLength)
      try bytes.withUnsafeReadableBytes { pack in
        let end = Int(blob.offset) + Int(blob.length)
        guard end <= pack.count else {
          throw RepositoryError(.corrupted, "it ends behind the end of pack \(id)")
        }
        _ = try repository.openBlob(
          UnsafeRawBufferPointer(rebasing: pack[Int(blob.offset)..<end]), id: blob.id, location: location)
      }
    }
  }
}

extension PackHeader {
  /// The blobs of a whole pack, as its header lists them.
  static func read(from pack: ByteBuffer, of id: PackID, key: RepositoryKey) throws -> [PackedBlob] {
    let end = pack.writerIndex - 4
    guard pack.readableBytes >= 4 + RepositoryKey.overhead,
      let length = pack.getInteger(at: end, endianness: .little, as: UInt32.self), length <= UInt32(maximumLength),
      let sealed = pack.getSlice(at: end - Int(length), length: Int(length))
    else {
      throw RepositoryError(.corrupted, "its last four bytes do not give the length of a header that it could hold")
    }
    let blobs = try decode(try key.open(sealed), of: id)
    guard blobs.last.map({ Int($0.offset) + Int($0.length) }) ?? 0 == pack.readableBytes - Int(length) - 4 else {
      throw RepositoryError(.corrupted, "its entries do not add up to the length of pack \(id)")
    }
    return blobs
  }
}
