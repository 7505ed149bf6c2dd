/// One blob of a pack.
package struct PackedBlob: Sendable, Hashable {
  package let id: BlobID
  package let type: BlobType
  package let offset: UInt32
  package let length: UInt32
  /// 0 where the blob is not compressed.
  package let uncompressedLength: UInt32

  package init(id: BlobID, type: BlobType, offset: UInt32, length: UInt32, uncompressedLength: UInt32) {
    self.id = id
    self.type = type
    self.offset = offset
    self.length = length
    self.uncompressedLength = uncompressedLength
  }
}

/// What a pack holds, in the order of offsets.
package struct PackContents: Sendable, Hashable {
  package let id: PackID
  package let blobs: [PackedBlob]

  package init(id: PackID, blobs: [PackedBlob]) {
    self.id = id
    self.blobs = blobs
  }
}
