/// How much of one pack the snapshots need.
package struct PackUse: Sendable, Equatable {
  /// What its blobs are.
  package enum Content: Sendable, Equatable {
    case data
    case trees
    /// Both, as programs before restic 0.8 wrote them.
    case mixed
  }

  package var content: Content
  /// Blobs that a snapshot needs, and that count for this pack.
  package var usedBlobs: Int
  /// Blobs that none needs, or that count for another pack.
  package var unusedBlobs: Int
  /// Of the unused: those that a snapshot needs, but that lie in other packs too.
  package var duplicateBlobs = 0
  /// Bytes of the used blobs, and of the header.
  package var usedBytes: Int64
  /// Bytes of the unused blobs.
  package var unusedBytes: Int64
  /// Whether trees lie in it uncompressed; prune compresses them, since they are read often.
  package var hasPlainTrees = false

  /// A pack of data with these counts.
  package init(
    content: Content = .data, usedBlobs: Int = 0, unusedBlobs: Int = 0, usedBytes: Int64 = 0, unusedBytes: Int64 = 0
  ) {
    self.content = content
    self.usedBlobs = usedBlobs
    self.unusedBlobs = unusedBlobs
    self.usedBytes = usedBytes
    self.unusedBytes = unusedBytes
  }

  /// Bytes of the whole pack.
  package var size: Int64 { usedBytes + unusedBytes }

  /// Adds a blob of `length` bytes.
  mutating func add(_ type: BlobType, length: UInt32, isPlain: Bool, _ use: Use) {
    let content: Content = type == .data ? .data : .trees
    if usedBlobs + unusedBlobs == 0 { self.content = content } else if self.content != content { self.content = .mixed }
    if isPlain, type == .tree { hasPlainTrees = true }
    usedBytes += Int64(isPlain ? PackHeader.plainEntryLength : PackHeader.compressedEntryLength)
    switch use {
    case .used:
      usedBlobs += 1
      usedBytes += Int64(length)
    case .unused, .duplicate:
      unusedBlobs += 1
      unusedBytes += Int64(length)
      if use == .duplicate { duplicateBlobs += 1 }
    }
  }

  /// A duplicate of `length` bytes counts for this pack after all.
  mutating func claimDuplicate(length: UInt32) {
    usedBlobs += 1
    unusedBlobs -= 1
    usedBytes += Int64(length)
    unusedBytes -= Int64(length)
  }

  /// What becomes of one blob.
  enum Use { case used, unused, duplicate }

  /// An empty pack: the seal of its header, and the header's length.
  static let empty = PackUse(usedBytes: Int64(RepositoryKey.overhead) + 4)
}
