import NIOCore

/// The plaintext of a pack's header: one entry a blob, without offsets, which follow from the lengths.
///
/// Source: restic's `doc/design.rst`, "Pack Format".
enum PackHeader {
  static let plainEntryLength = 1 + 4 + 32
  static let compressedEntryLength = 1 + 4 + 4 + 32
  /// restic reads no larger header.
  static let maximumLength = 16 << 20

  /// Where the pack lies.
  static func key(of id: PackID) -> String {
    let name = id.description
    return "data/\(name.prefix(2))/\(name)"
  }

  static func encode(_ blobs: [PackedBlob]) -> ByteBuffer {
    var header = ByteBufferAllocator().buffer(capacity: blobs.count * compressedEntryLength)
    for blob in blobs {
      let kind: UInt8 = blob.type == .data ? 0b00 : 0b01
      let isCompressed = blob.uncompressedLength != 0
      header.writeInteger(kind | (isCompressed ? 0b10 : 0b00))
      header.writeInteger(blob.length, endianness: .little)
      if isCompressed { header.writeInteger(blob.uncompressedLength, endianness: .little) }
      header.writeDigest(blob.id.digest)
    }
    return header
  }

  static func decode(_ header: ByteBuffer, of pack: PackID) throws -> [PackedBlob] {
    var rest = header
    var blobs: [PackedBlob] = []
    var offset: UInt32 = 0
    while rest.readableBytes > 0 {
      guard let kind = rest.readInteger(as: UInt8.self), kind <= 0b11,
        let length = rest.readInteger(endianness: .little, as: UInt32.self),
        let uncompressedLength = kind & 0b10 == 0 ? 0 : rest.readInteger(endianness: .little, as: UInt32.self),
        let digest = rest.readDigest(), case (let end, false) = offset.addingReportingOverflow(length)
      else {
        throw RepositoryError(
          .corrupted, "the header of pack \(pack) is not readable: an entry has an unknown type or is cut short")
      }
      blobs.append(
        PackedBlob(
          id: BlobID(digest), type: kind & 0b01 == 0 ? .data : .tree, offset: offset, length: length,
          uncompressedLength: uncompressedLength))
      offset = end
    }
    return blobs
  }
}

extension ByteBuffer {
  mutating func writeDigest(_ digest: SHA256Digest) {
    writeWithUnsafeMutableBytes(minimumWritableBytes: SHA256Digest.byteCount) { target in
      digest.copy(to: target)
      return SHA256Digest.byteCount
    }
  }

  mutating func readDigest() -> SHA256Digest? {
    readSlice(length: SHA256Digest.byteCount)?.withUnsafeReadableBytes { SHA256Digest(copying: $0) }
  }
}
