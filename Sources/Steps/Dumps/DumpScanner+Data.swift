import Glibc

/// The data of `COPY`, and the line before them.
extension DumpScanner {
  /// Reads data up to their end, or all there is. Returns the position of what follows.
  mutating func scanData(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
    var position = start
    while position < bytes.count {
      if dataLine == .middle {
        guard let end = Self.lineEnd(in: bytes, from: position) else { return bytes.count }
        position = end
      }
      let byte = bytes[position]
      position += 1
      if byte == .newline {
        let isEnd = dataLine == .dot || dataLine == .carriageReturn
        if isEnd { copies[copies.count - 1].end = line }
        line += 1
        dataLine = .start
        if isEnd {
          (state, lineIsBlank) = (.code, true)
          return position
        }
        continue
      }
      dataLine =
        switch (dataLine, byte) {
        case (.start, .backslash): .backslash
        case (.backslash, UInt8(ascii: ".")): .dot
        case (.dot, .carriageReturn): .carriageReturn
        default: .middle
        }
    }
    return position
  }

  static func lineEnd(in bytes: UnsafeRawBufferPointer, from position: Int) -> Int? {
    guard let base = bytes.baseAddress,
      let found = memchr(base + position, Int32(UInt8.newline), bytes.count - position)
    else { return nil }
    return UnsafeRawPointer(found) - base
  }

  mutating func copyLine(_ byte: UInt8) throws(DumpRefusal) {
    if byte == .newline {
      copies.append(Copy(first: line + 1, end: 0))
      (state, dataLine) = (.data, .start)
    } else if !byte.isSQLSpace {
      throw DumpRefusal(
        line: line, what: "something follows COPY … FROM STDIN on its line",
        advice: "begin what follows after the data's end, on a line of its own")
    }
  }
}
