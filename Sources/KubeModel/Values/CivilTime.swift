/// RFC 3339 text to and from seconds since 1970, without calendars or locales: this runs for every object of a list.
///
/// The day arithmetic is the proleptic Gregorian calendar counted in eras of 400 years (146,097 days) that begin in
/// March, so that the leap day is the last of its year.
package enum CivilTime {
  /// Seconds since 1970 and the fraction of a second in nanoseconds (0 ..< 1,000,000,000).
  struct Instant: Equatable {
    var seconds: Int64
    var nanoseconds: Int64
  }

  /// Days since 1970-01-01 of a date.
  package static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  /// The date that lies `days` after 1970-01-01.
  package static func date(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
  }

  /// Writes `YYYY-MM-DDTHH:MM:SS[.ffffff]Z`.
  static func format(seconds: Int64, microseconds: Int64? = nil) -> String {
    let days = floorDivide(seconds, 86_400)
    let second = seconds - days * 86_400
    let date = date(days: days)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(27)
    append(date.year, width: 4, to: &bytes)
    bytes.append(UInt8(ascii: "-"))
    append(date.month, width: 2, to: &bytes)
    bytes.append(UInt8(ascii: "-"))
    append(date.day, width: 2, to: &bytes)
    bytes.append(UInt8(ascii: "T"))
    append(second / 3600, width: 2, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    append(second / 60 % 60, width: 2, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    append(second % 60, width: 2, to: &bytes)
    if let microseconds {
      bytes.append(UInt8(ascii: "."))
      append(microseconds, width: 6, to: &bytes)
    }
    bytes.append(UInt8(ascii: "Z"))
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Reads RFC 3339 with any fraction and any offset; nil where the text is none.
  static func parse(_ text: String) -> Instant? {
    var text = text
    return text.withUTF8 { parse($0) }
  }

  private static func parse(_ bytes: UnsafeBufferPointer<UInt8>) -> Instant? {
    guard bytes.count >= 20, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
      bytes[10] | 0x20 == UInt8(ascii: "t"), bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
      let year = number(bytes, 0..<4), let month = number(bytes, 5..<7), let day = number(bytes, 8..<10),
      let hour = number(bytes, 11..<13), let minute = number(bytes, 14..<16), let second = number(bytes, 17..<19),
      (1...12).contains(month), (1...daysIn(month: month, year: year)).contains(day), hour < 24, minute < 60,
      second <= 60
    else { return nil }
    var position = 19
    var nanoseconds: Int64 = 0
    if bytes[position] == UInt8(ascii: ".") {
      position += 1
      let first = position
      var unit: Int64 = 100_000_000
      while position < bytes.count, let digit = digit(bytes[position]) {
        nanoseconds += digit * unit
        unit /= 10
        position += 1
      }
      guard position > first else { return nil }
    }
    guard let offset = offset(bytes, at: position) else { return nil }
    let days = days(year: year, month: month, day: day)
    return Instant(seconds: days * 86_400 + hour * 3600 + minute * 60 + second - offset, nanoseconds: nanoseconds)
  }

  /// Seconds east of UTC, from `Z` or `±HH:MM` that must end the text.
  private static func offset(_ bytes: UnsafeBufferPointer<UInt8>, at position: Int) -> Int64? {
    guard position < bytes.count else { return nil }
    if bytes[position] | 0x20 == UInt8(ascii: "z") { return position + 1 == bytes.count ? 0 : nil }
    let sign: Int64 =
      bytes[position] == UInt8(ascii: "+") ? 1 : bytes[position] == UInt8(ascii: "-") ? -1 : 0
    guard sign != 0, position + 6 == bytes.count, bytes[position + 3] == UInt8(ascii: ":"),
      let hours = number(bytes, position + 1..<position + 3), hours < 24,
      let minutes = number(bytes, position + 4..<position + 6), minutes < 60
    else { return nil }
    return sign * (hours * 3600 + minutes * 60)
  }

  package static func daysIn(month: Int64, year: Int64) -> Int64 {
    switch month {
    case 4, 6, 9, 11: 30
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    default: 31
    }
  }

  private static func digit(_ byte: UInt8) -> Int64? {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) ? Int64(byte - UInt8(ascii: "0")) : nil
  }

  private static func number(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Int64? {
    var value: Int64 = 0
    for index in range {
      guard let digit = digit(bytes[index]) else { return nil }
      value = value * 10 + digit
    }
    return value
  }

  private static func append(_ value: Int64, width: Int, to bytes: inout [UInt8]) {
    let digits = Array(String(value).utf8)
    for _ in 0..<max(0, width - digits.count) { bytes.append(UInt8(ascii: "0")) }
    bytes += digits
  }

  package static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
    value >= 0 ? value / divisor : (value - divisor + 1) / divisor
  }
}
