package import NIOCore
package import ObjectStore

extension UnixTime {
  /// Go's RFC3339Nano in UTC: trailing zeros of the fraction are left out. Years outside 0…9999 become 0 or 9999, as
  /// restic does (`fixTime` in its `internal/restic/node.go`).
  package func write(to buffer: inout ByteBuffer) {
    var days = seconds / 86_400
    var rest = seconds % 86_400
    if rest < 0 {
      rest += 86_400
      days -= 1
    }
    var (year, month, day) = civilDate(daysSinceEpoch: days)
    if year < 0 { year = 0 }
    if year > 9999 {
      year = 9999
      if month == 2, day == 29 { day = 28 }
    }
    buffer.writeDigits(year, 4)
    buffer.writeInteger(UInt8(ascii: "-"))
    buffer.writeDigits(month, 2)
    buffer.writeInteger(UInt8(ascii: "-"))
    buffer.writeDigits(day, 2)
    buffer.writeInteger(UInt8(ascii: "T"))
    buffer.writeDigits(rest / 3600, 2)
    buffer.writeInteger(UInt8(ascii: ":"))
    buffer.writeDigits(rest / 60 % 60, 2)
    buffer.writeInteger(UInt8(ascii: ":"))
    buffer.writeDigits(rest % 60, 2)
    if nanoseconds > 0 {
      buffer.writeInteger(UInt8(ascii: "."))
      var fraction = Int64(nanoseconds)
      var digits = 9
      while fraction % 10 == 0 {
        fraction /= 10
        digits -= 1
      }
      buffer.writeDigits(fraction, digits)
    }
    buffer.writeInteger(UInt8(ascii: "Z"))
  }

  /// Reads RFC 3339 with any zone and up to nine digits of fraction; nil when `text` is something else.
  package init?(rfc3339 text: UnsafeRawBufferPointer) {
    var position = 0
    func number(_ digits: Int, then mark: UInt8?) -> Int64? {
      guard position + digits + (mark == nil ? 0 : 1) <= text.count else { return nil }
      var value: Int64 = 0
      for _ in 0..<digits {
        let digit = text[position] &- UInt8(ascii: "0")
        guard digit < 10 else { return nil }
        value = value * 10 + Int64(digit)
        position += 1
      }
      if let mark {
        guard text[position] == mark else { return nil }
        position += 1
      }
      return value
    }
    guard let year = number(4, then: UInt8(ascii: "-")), let month = number(2, then: UInt8(ascii: "-")),
      let day = number(2, then: UInt8(ascii: "T")), let hour = number(2, then: UInt8(ascii: ":")),
      let minute = number(2, then: UInt8(ascii: ":")), let second = number(2, then: nil),
      (1...12).contains(month), (1...31).contains(day)
    else { return nil }
    var fraction: Int32 = 0
    if position < text.count, text[position] == UInt8(ascii: ".") {
      position += 1
      var scale: Int32 = 100_000_000
      while position < text.count, case let digit = text[position] &- UInt8(ascii: "0"), digit < 10 {
        fraction += Int32(digit) * scale
        scale /= 10
        position += 1
      }
    }
    guard position < text.count else { return nil }
    let zone = text[position]
    position += 1
    var offset: Int64 = 0
    if zone == UInt8(ascii: "+") || zone == UInt8(ascii: "-") {
      guard let hours = number(2, then: UInt8(ascii: ":")), let minutes = number(2, then: nil) else { return nil }
      offset = (hours * 60 + minutes) * 60 * (zone == UInt8(ascii: "-") ? -1 : 1)
    } else if zone != UInt8(ascii: "Z") {
      return nil
    }
    guard position == text.count else { return nil }
    let days = daysSinceEpoch(year: year, month: month, day: day)
    self.init(seconds: days * 86_400 + hour * 3600 + minute * 60 + second - offset, nanoseconds: fraction)
  }
}

extension ByteBuffer {
  /// Writes `value` in decimal, with zeros in front up to `width`.
  fileprivate mutating func writeDigits(_ value: Int64, _ width: Int) {
    var divisor: Int64 = 1
    for _ in 1..<max(width, 1) { divisor *= 10 }
    while divisor > 0 {
      writeInteger(UInt8(ascii: "0") + UInt8(value / divisor % 10))
      divisor /= 10
    }
  }
}

// Days and dates of the proleptic Gregorian calendar, counted in eras of 400 years that begin in March.
private func civilDate(daysSinceEpoch: Int64) -> (year: Int64, month: Int64, day: Int64) {
  let shifted = daysSinceEpoch + 719_468
  let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
  let dayOfEra = shifted - era * 146_097
  let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
  let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  let monthFromMarch = (5 * dayOfYear + 2) / 153
  let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
  let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
}

private func daysSinceEpoch(year: Int64, month: Int64, day: Int64) -> Int64 {
  let fromMarch = month <= 2 ? year - 1 : year
  let era = (fromMarch >= 0 ? fromMarch : fromMarch - 399) / 400
  let yearOfEra = fromMarch - era * 400
  let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
  let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}
