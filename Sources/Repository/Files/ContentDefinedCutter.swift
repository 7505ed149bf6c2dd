/// Cuts where restic's chunker cuts: after at least 512 KiB, at the first place where the fingerprint of the last
/// 64 bytes has twenty zero bits at its end, and after 8 MiB in any case.
///
/// A fingerprint depends on the last 64 bytes only, so a stretch of bytes can be searched from several starting
/// places at once. That is what makes this fast: one search alone waits for a table look-up at every byte.
package struct ContentDefinedCutter: Sendable {
  /// No piece is shorter, but for the last of a file.
  package static let minimum = 512 << 10
  /// No piece is longer.
  package static let maximum = 8 << 20
  private static let mask: UInt64 = 1 << 20 - 1
  /// Bytes that each of four searches covers before they look who found something first.
  private static let stride = 8 << 10

  private let tables: RabinTables

  /// A cutter with the repository's polynomial.
  package init(tables: RabinTables) { self.tables = tables }

  /// The length of the piece that begins at the start of `bytes`, or nil when more bytes are needed to know.
  ///
  /// `searched` is how many bytes an earlier call with the same beginning has seen without finding an end.
  package func end(in bytes: UnsafeRawBufferPointer, searched: Int) -> Int? {
    let limit = min(bytes.count, Self.maximum)
    var length = max(Self.minimum, searched + 1)
    guard length <= limit, let base = bytes.baseAddress else { return nil }
    let text = base.assumingMemoryBound(to: UInt8.self)
    while length + 4 * Self.stride <= limit {
      if let found = searchFour(text, from: length) { return found }
      length += 4 * Self.stride
    }
    if let found = searchOne(text, from: length, through: limit) { return found }
    return limit == Self.maximum ? limit : nil
  }

  /// Looks at the lengths `first` to `last`, one after the other.
  private func searchOne(_ text: UnsafePointer<UInt8>, from first: Int, through last: Int) -> Int? {
    guard first <= last else { return nil }
    return tables.withTables { reduce, leave in
      let shift = tables.shift
      var print = fingerprint(text + first, reduce)
      if print & Self.mask == 0 { return first }
      var length = first
      while length < last {
        print = step(print, text, length, reduce, leave, shift)
        length += 1
        if print & Self.mask == 0 { return length }
      }
      return nil
    }
  }

  /// Looks at `4 * stride` lengths from `first` on in four searches side by side; the shortest that ends a piece.
  private func searchFour(_ text: UnsafePointer<UInt8>, from first: Int) -> Int? {
    tables.withTables { reduce, leave in
      let shift = tables.shift
      let a = first
      let b = first + Self.stride
      let c = b + Self.stride
      let d = c + Self.stride
      var printA = fingerprint(text + a, reduce)
      var printB = fingerprint(text + b, reduce)
      var printC = fingerprint(text + c, reduce)
      var printD = fingerprint(text + d, reduce)
      var foundB = Int.max
      var foundC = Int.max
      var foundD = Int.max
      var index = 0
      while true {
        if printA & Self.mask == 0 { return a + index }
        if printB & Self.mask == 0 { foundB = min(foundB, b + index) }
        if printC & Self.mask == 0 { foundC = min(foundC, c + index) }
        if printD & Self.mask == 0 { foundD = min(foundD, d + index) }
        guard index + 1 < Self.stride else { break }
        printA = step(printA, text, a + index, reduce, leave, shift)
        printB = step(printB, text, b + index, reduce, leave, shift)
        printC = step(printC, text, c + index, reduce, leave, shift)
        printD = step(printD, text, d + index, reduce, leave, shift)
        index += 1
      }
      let found = min(foundB, foundC, foundD)
      return found == Int.max ? nil : found
    }
  }

  /// The fingerprint of the 64 bytes before `end`.
  @inline(__always)
  private func fingerprint(_ end: UnsafePointer<UInt8>, _ reduce: UnsafePointer<UInt64>) -> UInt64 {
    var print: UInt64 = 0
    var place = end - RabinTables.window
    while place < end {
      print = (print &<< 8 | UInt64(place.pointee)) ^ reduce[Int(truncatingIfNeeded: print &>> tables.shift)]
      place += 1
    }
    return print
  }

  /// The fingerprint one byte further: the byte at `length` comes in, the one 64 before it leaves.
  @inline(__always)
  private func step(
    _ print: UInt64, _ text: UnsafePointer<UInt8>, _ length: Int, _ reduce: UnsafePointer<UInt64>,
    _ leave: UnsafePointer<UInt64>, _ shift: UInt64
  ) -> UInt64 {
    let entering = UInt64(text[length])
    let leaving = leave[Int(text[length &- RabinTables.window])]
    return (print &<< 8 | entering) ^ leaving ^ reduce[Int(truncatingIfNeeded: print &>> shift)]
  }
}
