/// One blob of a pack.
struct PackedBlob: Sendable, Hashable {
  let id: BlobID
  let type: BlobType
  let offset: UInt32
  let length: UInt32
  /// 0 where the blob is not compressed.
  let uncompressedLength: UInt32
}

/// What a pack holds, in the order of offsets.
struct PackContents: Sendable, Hashable {
  let id: PackID
  let blobs: [PackedBlob]
}
