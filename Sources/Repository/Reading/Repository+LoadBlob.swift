public import NIOCore
import ObjectStore

extension Repository {
  /// The plaintext of one blob, verified against its name. The index has to be loaded.
  public func loadBlob(_ type: BlobType, _ id: BlobID) async throws -> ByteBuffer {
    guard let location = location(of: type, id) else { throw Self.unknown(type, id) }
    let sealed = try await packBytes(location.pack, location.range)
    return try sealed.withUnsafeReadableBytes { try openBlob($0, id: id, location: location) }
  }

  /// Opens, decompresses and verifies one sealed blob.
  func openBlob(_ sealed: UnsafeRawBufferPointer, id: BlobID, location: BlobLocation) throws -> ByteBuffer {
    do {
      let content = try key.openToBuffer(sealed)
      let plaintext =
        location.isCompressed ? try Zstd.decompress(content, length: location.plaintextLength) : content
      guard SHA256Digest(hashing: plaintext) == id.digest else {
        throw RepositoryError(.corrupted, "its plaintext has another hash than its name")
      }
      return plaintext
    } catch let error as RepositoryError where error.code == .corrupted {
      throw RepositoryError(
        .corrupted,
        "blob \(id) at byte \(location.offset) of pack \(location.pack) cannot be used: \(error.message). "
          + "'restic check --read-data' shows what else is damaged")
    }
  }

  /// A range of a pack.
  func packBytes(_ pack: PackID, _ range: Range<Int64>?) async throws -> ByteBuffer {
    do {
      return try await store.get(PackHeader.key(of: pack), range: range)
    } catch let error as ObjectStoreError where error.code == .notFound {
      throw RepositoryError(
        .blobNotFound,
        "pack \(pack) is missing, though the index lists it; it was removed by hand or by a prune "
          + "without a lock. 'restic repair index' and a new backup mend what can be mended")
    }
  }

  static func unknown(_ type: BlobType, _ id: BlobID) -> RepositoryError {
    RepositoryError(
      .blobNotFound,
      "the index does not know \(type.rawValue) blob \(id); if the repository was pruned or repaired "
        + "since it was opened, open it again, else run a check")
  }
}

extension RepositoryKey {
  func openToBuffer(_ sealed: UnsafeRawBufferPointer) throws -> ByteBuffer {
    let length = max(0, sealed.count - Self.overhead)
    var plaintext = ByteBufferAllocator().buffer(capacity: max(1, length))
    try plaintext.writeWithUnsafeMutableBytes(minimumWritableBytes: max(1, length)) { target in
      try open(sealed, into: target.baseAddress!)  // one byte of room at least
      return length
    }
    return plaintext
  }
}
