/// A position in the write-ahead log: bytes since its beginning, written as two hexadecimal halves (`16/B374D848`).
///
/// Source of the text form: PostgreSQL's `pg_lsn` type.
public struct LSN: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
  /// Bytes since the beginning of the write-ahead log.
  public let bytes: UInt64

  /// The position `bytes` bytes after the beginning.
  public init(_ bytes: UInt64) { self.bytes = bytes }

  /// Reads PostgreSQL's text form; nil when `text` is not of the form `X/Y` with up to eight hexadecimal digits each.
  public init?(_ text: some StringProtocol) {
    let halves = text.split(separator: "/", omittingEmptySubsequences: false)
    guard halves.count == 2, halves.allSatisfy({ (1...8).contains($0.count) }),
      let high = UInt64(halves[0], radix: 16), let low = UInt64(halves[1], radix: 16)
    else { return nil }
    self.bytes = high << 32 | low
  }

  /// PostgreSQL's text form, for example `16/B374D848`.
  public var description: String {
    String(bytes >> 32, radix: 16, uppercase: true) + "/" + String(bytes & 0xFFFF_FFFF, radix: 16, uppercase: true)
  }

  public static func < (left: LSN, right: LSN) -> Bool { left.bytes < right.bytes }

  /// The position `count` bytes further on.
  public static func + (lsn: LSN, count: UInt64) -> LSN { LSN(lsn.bytes + count) }

  /// The bytes from `right` to `left`; `left` must not lie before `right`.
  public static func - (left: LSN, right: LSN) -> UInt64 { left.bytes - right.bytes }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let lsn = LSN(text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "'\(text)' is not an LSN; expected two hexadecimal halves such as 16/B374D848")
    }
    self = lsn
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

/// A timeline of one server's write-ahead log; the first is 1.
public struct TimelineID: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
  /// The number itself.
  public let number: UInt32

  /// The timeline with this number.
  public init(_ number: UInt32) { self.number = number }

  /// Eight hexadecimal digits, as in the name of a segment.
  public var hexadecimal: String { padded(UInt64(number)) }

  /// The decimal number, as PostgreSQL's messages write it.
  public var description: String { String(number) }

  public static func < (left: TimelineID, right: TimelineID) -> Bool { left.number < right.number }

  public init(from decoder: any Decoder) throws {
    number = try decoder.singleValueContainer().decode(UInt32.self)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(number)
  }
}

func padded(_ value: UInt64) -> String {
  let digits = String(value, radix: 16, uppercase: true)
  return String(repeating: "0", count: max(0, 8 - digits.count)) + digits
}
