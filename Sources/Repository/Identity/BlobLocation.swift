/// Where in the repository a blob lies.
public struct BlobLocation: Sendable, Hashable {
  /// The pack file that holds it.
  public let pack: PackID
  /// Bytes from the beginning of the pack.
  public let offset: UInt32
  /// Bytes that it takes in the pack, sealed.
  public let length: UInt32
  /// Bytes of its plaintext where it is stored compressed, 0 where it is not.
  package let uncompressedLength: UInt32

  package init(pack: PackID, offset: UInt32, length: UInt32, uncompressedLength: UInt32) {
    self.pack = pack
    self.offset = offset
    self.length = length
    self.uncompressedLength = uncompressedLength
  }

  /// Whether it is stored compressed.
  public var isCompressed: Bool { uncompressedLength != 0 }

  /// Bytes of its plaintext.
  public var plaintextLength: Int {
    isCompressed ? Int(uncompressedLength) : max(0, Int(length) - RepositoryKey.overhead)
  }

  /// The bytes of the pack that hold it.
  public var range: Range<Int64> { Int64(offset)..<Int64(offset) + Int64(length) }
}
