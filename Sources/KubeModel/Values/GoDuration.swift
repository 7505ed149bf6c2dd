/// A span of time in Go's notation: `5s`, `1h30m`, `250ms`; what `metav1.Duration` reads.
///
/// Source of the grammar: Go's `time.ParseDuration`. Written in the shortest form that Go reads back (`24h`, where Go
/// itself would write `24h0m0s`).
public struct GoDuration: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
  /// The span in nanoseconds.
  public let nanoseconds: Int64

  /// A span of so many nanoseconds.
  public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// A span of so many seconds.
  public init(seconds: Int64) { nanoseconds = seconds * 1_000_000_000 }

  /// The same span, cut to nanoseconds; spans beyond 292 years become that.
  public init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, overflowed) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
    nanoseconds = overflow || overflowed ? (seconds < 0 ? .min : .max) : sum
  }

  /// Reads Go's notation; nil where `text` is something else or does not fit 292 years.
  public init?(_ text: String) {
    guard let nanoseconds = Self.parse(Array(text.utf8)[...]) else { return nil }
    self.nanoseconds = nanoseconds
  }

  /// The same span as Swift has it.
  public var duration: Duration { .nanoseconds(nanoseconds) }

  /// The span in seconds.
  public var seconds: Double { Double(nanoseconds) / 1_000_000_000 }

  public static func < (left: GoDuration, right: GoDuration) -> Bool { left.nanoseconds < right.nanoseconds }

  public var description: String {
    if nanoseconds == 0 { return "0s" }
    let sign = nanoseconds < 0 ? "-" : ""
    let magnitude = nanoseconds.magnitude
    if magnitude < 1000 { return "\(sign)\(magnitude)ns" }
    if magnitude < 1_000_000 { return sign + Self.decimal(magnitude, unit: 1000) + "us" }
    if magnitude < 1_000_000_000 { return sign + Self.decimal(magnitude, unit: 1_000_000) + "ms" }
    let hours = magnitude / 3_600_000_000_000
    let minutes = magnitude / 60_000_000_000 % 60
    let rest = magnitude % 60_000_000_000
    var text = sign
    if hours > 0 { text += "\(hours)h" }
    if minutes > 0 { text += "\(minutes)m" }
    if rest > 0 { text += Self.decimal(rest, unit: 1_000_000_000) + "s" }
    return text
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let value = GoDuration(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "not a duration; expected one such as 5s, 1h30m or 250ms")
    }
    self = value
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }

  private static func decimal(_ value: UInt64, unit: UInt64) -> String {
    var fraction = String(value % unit + unit).dropFirst()
    while fraction.last == "0" { fraction.removeLast() }
    return fraction.isEmpty ? "\(value / unit)" : "\(value / unit).\(fraction)"
  }

  private static func parse(_ text: ArraySlice<UInt8>) -> Int64? {
    var rest = text
    var negative = false
    if let first = rest.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
      negative = first == UInt8(ascii: "-")
      rest.removeFirst()
    }
    if rest.elementsEqual([UInt8(ascii: "0")]) { return 0 }
    guard !rest.isEmpty else { return nil }
    var total: UInt64 = 0
    while !rest.isEmpty {
      guard let part = parsePart(&rest) else { return nil }
      let (sum, overflow) = total.addingReportingOverflow(part)
      guard !overflow, sum <= UInt64(Int64.max) else { return nil }
      total = sum
    }
    return negative ? -Int64(total) : Int64(total)
  }

  /// One number with its unit, taken off the front of `rest`.
  private static func parsePart(_ rest: inout ArraySlice<UInt8>) -> UInt64? {
    func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    let whole = rest.prefix(while: isDigit)
    rest = rest.dropFirst(whole.count)
    var fraction: ArraySlice<UInt8> = []
    if rest.first == UInt8(ascii: ".") {
      rest.removeFirst()
      fraction = rest.prefix(while: isDigit)
      rest = rest.dropFirst(fraction.count)
    }
    guard !(whole.isEmpty && fraction.isEmpty) else { return nil }
    let name = rest.prefix { !isDigit($0) && $0 != UInt8(ascii: ".") }
    rest = rest.dropFirst(name.count)
    guard let unit = units[String(decoding: name, as: UTF8.self)] else { return nil }
    var value: UInt64 = 0
    for digit in whole {
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      guard !overflow, product <= UInt64(Int64.max) else { return nil }
      value = product + UInt64(digit - UInt8(ascii: "0"))
    }
    let (nanoseconds, overflow) = value.multipliedReportingOverflow(by: unit)
    guard !overflow else { return nil }
    var scale = 1.0
    var part = 0.0
    for digit in fraction.prefix(18) {
      scale /= 10
      part += Double(digit - UInt8(ascii: "0")) * scale
    }
    let (sum, overflowed) = nanoseconds.addingReportingOverflow(UInt64((part * Double(unit)).rounded()))
    return overflowed ? nil : sum
  }

  private static let units: [String: UInt64] = [
    "ns": 1, "us": 1000, "µs": 1000, "μs": 1000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000,
    "h": 3_600_000_000_000,
  ]
}
