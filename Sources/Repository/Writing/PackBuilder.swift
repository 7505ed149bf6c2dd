import NIOCore

/// A pack in the making: sealed blobs one after the other, later a header of them.
///
/// Source: restic's `doc/design.rst`, "Pack Format".
struct PackBuilder {
  /// The header's bytes are read at once when a pack is read without an index; this many entries are 1.3 MB.
  private static let maximumBlobs = 32768

  private let type: BlobType
  private let target: Int
  private var bytes: ByteBuffer
  private var blobs: [PackedBlob] = []
  private var headerLength = 0

  /// A pack of at most `target` bytes, unless its only blob is larger, written to `memory`.
  init(_ type: BlobType, target: Int, in memory: consuming ByteBuffer) {
    self.type = type
    self.target = target
    bytes = memory
  }

  var isEmpty: Bool { blobs.isEmpty }

  /// Bytes of the blobs that are in it.
  var length: Int { bytes.readableBytes }

  /// Whether even the smallest blob would not fit any more.
  var isFull: Bool { !hasRoom(for: RepositoryKey.overhead) }

  /// Whether a sealed blob of `length` bytes fits beside what is there.
  func hasRoom(for length: Int) -> Bool {
    let trailer = headerLength + PackHeader.compressedEntryLength + RepositoryKey.overhead + 4
    return isEmpty || (blobs.count < Self.maximumBlobs && bytes.readableBytes + length + trailer <= target)
  }

  mutating func append(_ sealed: UnsafeRawBufferPointer, id: BlobID, uncompressedLength: Int) {
    blobs.append(
      PackedBlob(
        id: id, type: type, offset: UInt32(bytes.readableBytes), length: UInt32(sealed.count),
        uncompressedLength: UInt32(uncompressedLength)))
    headerLength += uncompressedLength == 0 ? PackHeader.plainEntryLength : PackHeader.compressedEntryLength
    bytes.writeBytes(sealed)
  }

  /// Adds the header, and names the pack by the hash of all of it.
  consuming func sealed(with key: RepositoryKey) throws -> SealedPack {
    let header = try key.seal(PackHeader.encode(blobs))
    bytes.writeImmutableBuffer(header)
    bytes.writeInteger(UInt32(header.readableBytes), endianness: .little)
    return SealedPack(contents: PackContents(id: PackID(SHA256Digest(hashing: bytes)), blobs: blobs), bytes: bytes)
  }
}

/// A pack as it is uploaded.
struct SealedPack: Sendable {
  let contents: PackContents
  let bytes: ByteBuffer

  var key: String { PackHeader.key(of: contents.id) }
}
