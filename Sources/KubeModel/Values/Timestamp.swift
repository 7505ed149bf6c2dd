public import struct Foundation.Date

/// A moment in whole seconds of UTC, written `2026-01-31T06:15:00Z`: Kubernetes' `metav1.Time`.
///
/// Reads any RFC 3339 text; a fraction is cut off, as the API server does.
public struct Timestamp: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
  /// Seconds since 1970-01-01T00:00:00Z.
  public let secondsSince1970: Int64

  /// The moment `secondsSince1970` seconds after 1970-01-01T00:00:00Z.
  public init(secondsSince1970: Int64) { self.secondsSince1970 = secondsSince1970 }

  /// Reads RFC 3339; nil where `text` is something else.
  public init?(_ text: String) {
    guard let instant = CivilTime.parse(text) else { return nil }
    secondsSince1970 = instant.seconds
  }

  /// The moment of `date`, cut to whole seconds.
  public init(_ date: Date) { secondsSince1970 = Int64(date.timeIntervalSince1970.rounded(.down)) }

  /// The moment as Foundation has it.
  public var date: Date { Date(timeIntervalSince1970: Double(secondsSince1970)) }

  /// Now, by the system's clock.
  public static var now: Timestamp { Timestamp(Date()) }

  public var description: String { CivilTime.format(seconds: secondsSince1970) }

  public static func < (left: Timestamp, right: Timestamp) -> Bool { left.secondsSince1970 < right.secondsSince1970 }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let value = Timestamp(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "not an RFC 3339 time; expected one such as 2026-01-31T06:15:00Z")
    }
    self = value
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

/// A moment in microseconds of UTC, written `2026-01-31T06:15:00.000000Z`: Kubernetes' `metav1.MicroTime`.
///
/// Reads any RFC 3339 text; finer fractions are cut off.
public struct MicroTime: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
  /// Microseconds since 1970-01-01T00:00:00Z.
  public let microsecondsSince1970: Int64

  /// The moment `microsecondsSince1970` microseconds after 1970-01-01T00:00:00Z.
  public init(microsecondsSince1970: Int64) { self.microsecondsSince1970 = microsecondsSince1970 }

  /// Reads RFC 3339; nil where `text` is something else.
  public init?(_ text: String) {
    guard let instant = CivilTime.parse(text) else { return nil }
    microsecondsSince1970 = instant.seconds * 1_000_000 + instant.nanoseconds / 1000
  }

  /// The moment of `date`, rounded to microseconds.
  public init(_ date: Date) { microsecondsSince1970 = Int64((date.timeIntervalSince1970 * 1_000_000).rounded()) }

  /// The same moment, from whole seconds.
  public init(_ timestamp: Timestamp) { microsecondsSince1970 = timestamp.secondsSince1970 * 1_000_000 }

  /// The moment as Foundation has it.
  public var date: Date { Date(timeIntervalSince1970: Double(microsecondsSince1970) / 1_000_000) }

  /// The moment cut to whole seconds.
  public var timestamp: Timestamp {
    Timestamp(secondsSince1970: CivilTime.floorDivide(microsecondsSince1970, 1_000_000))
  }

  /// Now, by the system's clock.
  public static var now: MicroTime { MicroTime(Date()) }

  public var description: String {
    let seconds = CivilTime.floorDivide(microsecondsSince1970, 1_000_000)
    return CivilTime.format(seconds: seconds, microseconds: microsecondsSince1970 - seconds * 1_000_000)
  }

  public static func < (left: MicroTime, right: MicroTime) -> Bool {
    left.microsecondsSince1970 < right.microsecondsSince1970
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let value = MicroTime(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "not an RFC 3339 time; expected one such as 2026-01-31T06:15:00.000000Z")
    }
    self = value
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
