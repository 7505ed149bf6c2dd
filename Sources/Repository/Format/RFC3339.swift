import Glibc
import ObjectStore

/// Times as Go writes them into JSON (`2015-01-02T18:10:50.895208559+01:00`), which restic's files hold.
enum RFC3339 {
  /// UTC, with as many digits of fraction as the time has.
  static func text(_ time: UnixTime) -> String {
    var seconds = time_t(time.seconds)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    var text = padded(Int(parts.tm_year) + 1900, 4)
    for (mark, value) in [
      ("-", parts.tm_mon + 1), ("-", parts.tm_mday), ("T", parts.tm_hour), (":", parts.tm_min), (":", parts.tm_sec),
    ] {
      text += mark + padded(Int(value), 2)
    }
    if time.nanoseconds > 0 {
      var fraction = padded(Int(time.nanoseconds), 9)
      while fraction.last == "0" { fraction.removeLast() }
      text += "." + fraction
    }
    return text + "Z"
  }

  /// Any zone, up to nine digits of fraction; nil when `text` is something else.
  static func time(_ text: String) -> UnixTime? {
    let digits = Array(text.utf8)
    func number(_ start: Int, _ count: Int, then mark: Character? = nil) -> Int? {
      guard start + count <= digits.count,
        let value = Int(String(decoding: digits[start..<start + count], as: UTF8.self))
      else { return nil }
      if let mark {
        guard start + count < digits.count, digits[start + count] == mark.asciiValue else { return nil }
      }
      return value
    }
    guard let year = number(0, 4, then: "-"), let month = number(5, 2, then: "-"), let day = number(8, 2, then: "T"),
      let hour = number(11, 2, then: ":"), let minute = number(14, 2, then: ":"), let second = number(17, 2)
    else { return nil }
    var position = 19
    var nanoseconds = 0
    if position < digits.count, digits[position] == UInt8(ascii: ".") {
      let fraction = digits[(position + 1)...].prefix { (0x30...0x39).contains($0) }
      guard (1...9).contains(fraction.count) else { return nil }
      nanoseconds = fraction.reduce(0) { $0 * 10 + Int($1 - 0x30) }
      for _ in fraction.count..<9 { nanoseconds *= 10 }
      position += 1 + fraction.count
    }
    guard position < digits.count else { return nil }
    var offset = 0
    switch digits[position] {
    case UInt8(ascii: "Z") where position + 1 == digits.count: break
    case let sign where (sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-")) && position + 6 == digits.count:
      guard let hours = number(position + 1, 2, then: ":"), let minutes = number(position + 4, 2) else { return nil }
      offset = (hours * 3600 + minutes * 60) * (sign == UInt8(ascii: "-") ? -1 : 1)
    default: return nil
    }
    var parts = tm()
    (parts.tm_year, parts.tm_mon, parts.tm_mday) = (Int32(year - 1900), Int32(month - 1), Int32(day))
    (parts.tm_hour, parts.tm_min, parts.tm_sec) = (Int32(hour), Int32(minute), Int32(second))
    return UnixTime(seconds: Int64(timegm(&parts)) - Int64(offset), nanoseconds: Int32(nanoseconds))
  }

  private static func padded(_ value: Int, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
