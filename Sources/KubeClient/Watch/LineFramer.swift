package import NIOCore

/// Cuts a stream of bytes into lines, whatever the chunks they come in. Holds at most one unfinished line.
package struct LineFramer {
  /// A line grew beyond the bound.
  package struct LineTooLong: Error {
    /// The bound in bytes.
    package let limit: Int
  }

  private var buffer = ByteBuffer()
  /// How many of the readable bytes are known to hold no line end.
  private var scanned = 0
  private let limit: Int

  /// Lines may be `limit` bytes long.
  package init(limit: Int) { self.limit = limit }

  /// Whether bytes are left that no line end followed.
  package var holdsUnfinishedLine: Bool { buffer.readableBytes > 0 }

  /// Takes the next chunk; call `nextLine` until it gives nil before the next one.
  package mutating func append(_ chunk: ByteBuffer) {
    if buffer.readableBytes == 0 {
      buffer = chunk
      scanned = 0
    } else {
      buffer.discardReadBytes()
      buffer.writeImmutableBuffer(chunk)
    }
  }

  /// The next whole line without its end, skipping empty ones; nil when more bytes are needed.
  package mutating func nextLine() throws -> ByteBuffer? {
    while let length = lengthOfFirstLine() {
      guard length <= limit else { throw LineTooLong(limit: limit) }
      scanned = 0
      let line = buffer.readSlice(length: length)
      buffer.moveReaderIndex(forwardBy: 1)
      if let line, line.readableBytes > 0 { return line }
    }
    guard buffer.readableBytes <= limit else { throw LineTooLong(limit: limit) }
    return nil
  }

  private mutating func lengthOfFirstLine() -> Int? {
    let start = scanned
    let found = buffer.withUnsafeReadableBytes { bytes in
      bytes[start...].firstIndex(of: UInt8(ascii: "\n"))
    }
    scanned = found ?? buffer.readableBytes
    return found
  }
}
