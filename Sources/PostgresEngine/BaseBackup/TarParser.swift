package import NIOCore

/// Reads a tar archive that arrives in portions of any size.
///
/// Flow: `push` a portion, then take what `next` gives until it gives nil. Content is handed on as slices of what was
/// pushed, not copied; only a header that lies across portions is put together.
///
/// It accepts an archive with or without the two blocks of zeros at its end: PostgreSQL sends them from version 15 on.
package struct TarParser {
  /// What lies in the archive, in order.
  package enum Event: Sendable, Equatable {
    /// An entry begins. Content follows where its size is not 0; `endOfEntry` follows in any case.
    case entry(TarEntry)
    case content(ByteBuffer)
    case endOfEntry
  }

  private enum State {
    case header
    case content(left: Int64, padding: Int)
    case endOfEntry(padding: Int)
    case padding(Int)
    /// The first block of zeros was read; nothing but zeros may follow.
    case ended
  }

  private var state = State.header
  private var input = ByteBuffer()
  /// The part of a header that has arrived.
  private var partial = ByteBuffer()

  package init() {}

  /// Takes the next portion. What was pushed before must have been taken out.
  package mutating func push(_ portion: ByteBuffer) {
    precondition(input.readableBytes == 0, "next() is called until nil before the next portion is pushed")
    input = portion
  }

  /// What comes next in the portion, or nil where more is needed. Throws ``TarError``.
  package mutating func next() throws -> Event? {
    while true {
      switch state {
      case .header:
        guard let entry = try header() else { return nil }
        state = entry.size > 0 ? .content(left: entry.size, padding: padding(entry.size)) : .endOfEntry(padding: 0)
        return .entry(entry)
      case .content(let left, let padding):
        let length = Int(min(left, Int64(input.readableBytes)))
        guard length > 0, let content = input.readSlice(length: length) else { return nil }
        let rest = left - Int64(length)
        state = rest > 0 ? .content(left: rest, padding: padding) : .endOfEntry(padding: padding)
        return .content(content)
      case .endOfEntry(let padding):
        state = padding > 0 ? .padding(padding) : .header
        return .endOfEntry
      case .padding(let left):
        let length = min(left, input.readableBytes)
        guard length > 0 else { return nil }
        input.moveReaderIndex(forwardBy: length)
        state = left > length ? .padding(left - length) : .header
      case .ended:
        try expectZeros()
        return nil
      }
    }
  }

  /// The archive has ended; throws where it ends in the middle of an entry.
  package func finish() throws {
    switch state {
    case .header where partial.readableBytes == 0: return
    case .ended: return
    default: throw TarError(description: "the archive ends in the middle of an entry")
    }
  }

  /// The next header; nil where more is needed, or at the blocks of zeros, which end the archive.
  private mutating func header() throws -> TarEntry? {
    guard var block = takeBlock() else { return nil }
    guard block.withUnsafeReadableBytes({ !$0.allSatisfy { $0 == 0 } }) else {
      block.clear()
      state = .ended
      try expectZeros()
      return nil
    }
    return try block.withUnsafeReadableBytes { try TarEntry(header: $0) }
  }

  private mutating func takeBlock() -> ByteBuffer? {
    if partial.readableBytes == 0, let block = input.readSlice(length: TarEntry.blockSize) { return block }
    let missing = min(TarEntry.blockSize - partial.readableBytes, input.readableBytes)
    if var part = input.readSlice(length: missing) { partial.writeBuffer(&part) }
    guard partial.readableBytes == TarEntry.blockSize else { return nil }
    defer { partial = ByteBuffer() }
    return partial
  }

  private mutating func expectZeros() throws {
    guard input.withUnsafeReadableBytes({ $0.allSatisfy { $0 == 0 } }) else {
      throw TarError(description: "the archive goes on after its end")
    }
    input.clear()
  }

  private func padding(_ size: Int64) -> Int {
    let over = Int(size % Int64(TarEntry.blockSize))
    return over == 0 ? 0 : TarEntry.blockSize - over
  }
}
