package import NIOCore

/// Takes a file's bytes in any portions and gives its pieces. It holds one unfinished piece, nothing else.
package struct PieceCutter {
  private enum Rule {
    case content(ContentDefinedCutter)
    case fixed(Int)
  }

  /// What was taken and not yet given out; bytes may be read from a file right into its writable part.
  package var pending: ByteBuffer
  private let rule: Rule
  private var searched = 0

  /// A cutter for one file.
  package init(_ cutting: Cutting, tables: RabinTables) throws {
    switch cutting {
    case .contentDefined: rule = .content(ContentDefinedCutter(tables: tables))
    case .fixed(let bytes):
      guard bytes > 0, bytes % 8192 == 0, bytes <= 16 << 20 else {
        throw RepositoryError(
          .invalidRequest, "pieces of \(bytes) bytes cannot be cut; use a multiple of 8192, at most 16 MiB")
      }
      rule = .fixed(bytes)
    }
    pending = ByteBuffer()
  }

  /// The next whole piece in what was taken so far, or nil when more is needed.
  package mutating func next() -> ByteBuffer? {
    let length: Int?
    switch rule {
    case .content(let cutter):
      length = pending.withUnsafeReadableBytes { cutter.end(in: $0, searched: searched) }
    case .fixed(let bytes): length = pending.readableBytes >= bytes ? bytes : nil
    }
    guard let length, let piece = pending.readSlice(length: length) else {
      searched = pending.readableBytes
      return nil
    }
    searched = 0
    // What is left moves to storage of its own: were it shared with the piece, the next append would copy both.
    if pending.readableBytes == 0 {
      pending = ByteBuffer()
    } else {
      var rest = ByteBufferAllocator().buffer(capacity: max(pending.readableBytes, ContentDefinedCutter.minimum * 2))
      rest.writeBuffer(&pending)
      pending = rest
    }
    return piece
  }

  /// The last piece, or nil where the file ended with the piece before.
  package mutating func rest() -> ByteBuffer? {
    defer {
      pending = ByteBuffer()
      searched = 0
    }
    return pending.readableBytes > 0 ? pending : nil
  }
}
