/// A moment as PostgreSQL keeps it: whole microseconds, in UTC.
///
/// Counted from 2000-01-01 00:00:00 UTC, as `TimestampTz` in the write-ahead log is
/// (`src/include/datatype/timestamp.h`). Reads and writes RFC 3339 with up to six fractional digits; all arithmetic is
/// on integers, so that no microsecond is lost on the way to `recovery_target_time`.
public struct PostgresTime: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
  /// Microseconds since 2000-01-01 00:00:00 UTC.
  public let microseconds: Int64

  /// Seconds from the Unix epoch to PostgreSQL's.
  private static let epochOffset: Int64 = 946_684_800

  /// The moment `microseconds` after 2000-01-01 00:00:00 UTC.
  public init(microseconds: Int64) { self.microseconds = microseconds }

  /// The moment `unixMicroseconds` after 1970-01-01 00:00:00 UTC.
  public init(unixMicroseconds: Int64) {
    microseconds = unixMicroseconds - Self.epochOffset * 1_000_000
  }

  /// Microseconds since 1970-01-01 00:00:00 UTC.
  public var unixMicroseconds: Int64 { microseconds + Self.epochOffset * 1_000_000 }

  /// Reads RFC 3339 (`2026-11-23T10:15:00.123456Z`, any offset, a space in place of `T`, up to six fractional digits);
  /// nil for anything else. An offset is required: a moment without one would depend on who reads it.
  public init?(_ text: some StringProtocol) {
    var reader = Digits(Array(text.utf8))
    guard let year = reader.number(4), reader.skip("-"), let month = reader.number(2), reader.skip("-"),
      let day = reader.number(2), reader.skip("T") || reader.skip("t") || reader.skip(" "),
      let hour = reader.number(2), reader.skip(":"), let minute = reader.number(2), reader.skip(":"),
      let second = reader.number(2), (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60,
      second <= 60, let fraction = reader.fraction(), let offset = reader.offset(), reader.isAtEnd
    else { return nil }
    let days = Self.days(year: year, month: month, day: day)
    guard Self.civil(days: days) == (year, month, day) else { return nil }
    let seconds = days * 86400 + hour * 3600 + minute * 60 + second - offset
    self.init(unixMicroseconds: seconds * 1_000_000 + fraction)
  }

  /// RFC 3339 in UTC with six fractional digits.
  public var description: String {
    let unix = unixMicroseconds
    let (days, rest) = Self.divide(unix, by: 86_400_000_000)
    let (year, month, day) = Self.civil(days: days)
    let seconds = rest / 1_000_000
    return Self.pad(year, 4) + "-" + Self.pad(month, 2) + "-" + Self.pad(day, 2) + "T" + Self.pad(seconds / 3600, 2)
      + ":" + Self.pad(seconds / 60 % 60, 2) + ":" + Self.pad(seconds % 60, 2) + "." + Self.pad(rest % 1_000_000, 6)
      + "Z"
  }

  /// As PostgreSQL's settings want it: `2026-11-23T10:15:00.123456+00`. A server that is starting knows no names of
  /// time zones yet, not even `Z`.
  public var setting: String { description.dropLast() + "+00" }

  /// The moment `microseconds` later.
  public func adding(microseconds: Int64) -> PostgresTime {
    PostgresTime(microseconds: self.microseconds + microseconds)
  }

  public static func < (left: PostgresTime, right: PostgresTime) -> Bool { left.microseconds < right.microseconds }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let time = PostgresTime(text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "'\(text)' is not a time; expected RFC 3339, such as 2026-11-23T10:15:00Z")
    }
    self = time
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }

  // Days since 1970-01-01 in the proleptic Gregorian calendar, by eras of 400 years that begin on 1 March.
  private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = divide(shifted, by: 400).quotient
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  private static func civil(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let (era, dayOfEra) = divide(days + 719_468, by: 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
  }

  private static func divide(_ value: Int64, by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }

  private static func pad(_ value: Int64, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }

  private struct Digits {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
      guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
      position += 1
      return true
    }

    mutating func digit() -> Int64? {
      guard position < bytes.count, (48...57).contains(bytes[position]) else { return nil }
      defer { position += 1 }
      return Int64(bytes[position] - 48)
    }

    mutating func number(_ width: Int) -> Int64? {
      var value: Int64 = 0
      for _ in 0..<width {
        guard let digit = digit() else { return nil }
        value = value * 10 + digit
      }
      return value
    }

    mutating func fraction() -> Int64? {
      guard skip(".") else { return 0 }
      var (value, width): (Int64, Int) = (0, 0)
      while let digit = digit() {
        width += 1
        // Digits past the microsecond are only tolerated as zeros: rounding would move a target across a commit.
        if width <= 6 { value = value * 10 + digit } else if digit != 0 { return nil }
      }
      guard width > 0 else { return nil }
      for _ in min(width, 6)..<6 { value *= 10 }
      return value
    }

    mutating func offset() -> Int64? {
      if skip("Z") || skip("z") { return 0 }
      let sign: Int64 = skip("+") ? 1 : skip("-") ? -1 : 0
      guard sign != 0, let hours = number(2) else { return nil }
      let minutes = skip(":") ? number(2) : isAtEnd ? 0 : number(2)
      guard let minutes, hours < 24, minutes < 60 else { return nil }
      return sign * (hours * 3600 + minutes * 60)
    }
  }
}
