import NIOCore

/// One worker's memory for turning plaintext into the sealed form that lies in a pack.
final class BlobEncoder {
  private let key: RepositoryKey
  private let level: Int
  private var scratch = UnsafeMutableRawBufferPointer(start: nil, count: 0)

  init(key: RepositoryKey, level: Int) {
    self.key = key
    self.level = level
  }

  deinit { scratch.deallocate() }

  /// Calls `body` with the sealed blob and the length of its plaintext, or 0 if it is not compressed.
  ///
  /// Trees are always compressed (restic's prune packs again those that are not); data are where that saves one byte in
  /// 32, since reading raw blobs back is faster.
  func encode<Result>(
    _ type: BlobType, _ plaintext: ByteBuffer,
    _ body: (_ sealed: UnsafeRawBufferPointer, _ uncompressedLength: Int) throws -> Result
  ) throws -> Result {
    try plaintext.withUnsafeReadableBytes { source in
      let output = reserve(Zstd.compressBound(source.count) + RepositoryKey.overhead)
      let content = UnsafeMutableRawBufferPointer(
        rebasing: output[SealingContext.nonceLength..<output.count - SealingContext.tagLength])
      let compressed = source.isEmpty ? 0 : try Zstd.compress(source, into: content, level: level)
      let isWorthIt = !source.isEmpty && (type == .tree || compressed + source.count / 32 < source.count)
      let toSeal = isWorthIt ? UnsafeRawBufferPointer(rebasing: content[0..<compressed]) : source
      let start = output.baseAddress!  // the overhead alone takes 32 bytes
      try key.seal(toSeal, into: start)
      let sealed = UnsafeRawBufferPointer(start: start, count: toSeal.count + RepositoryKey.overhead)
      return try body(sealed, isWorthIt ? source.count : 0)
    }
  }

  private func reserve(_ count: Int) -> UnsafeMutableRawBufferPointer {
    if scratch.count < count {
      scratch.deallocate()
      scratch = .allocate(byteCount: count, alignment: 64)
    }
    return scratch
  }
}
