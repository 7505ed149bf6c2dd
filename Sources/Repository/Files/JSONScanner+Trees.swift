import ObjectStore

/// What trees have in them besides numbers and ids.
extension JSONScanner {
  /// A string's bytes, escapes resolved.
  mutating func unescapedString() throws -> [UInt8] {
    let raw = try string()
    guard let first = raw.firstIndex(of: UInt8(ascii: "\\")) else { return Array(raw) }
    var result = Array(raw[..<first])
    var position = first
    while position < raw.count {
      let byte = raw[position]
      position += 1
      if byte != UInt8(ascii: "\\") {
        result.append(byte)
      } else {
        try appendEscape(in: raw, at: &position, to: &result)
      }
    }
    return result
  }

  /// A time in RFC 3339, of any zone.
  mutating func time() throws -> UnixTime {
    guard let time = UnixTime(rfc3339: try string()) else { throw unreadable("a time is not one of RFC 3339") }
    return time
  }

  /// Bytes in base 64.
  mutating func base64() throws -> [UInt8] {
    guard let bytes = decodeBase64(try unescapedString()) else { throw unreadable("a value is not base 64") }
    return bytes
  }

  private func appendEscape(in raw: UnsafeRawBufferPointer, at position: inout Int, to result: inout [UInt8]) throws {
    guard position < raw.count else { throw unreadable("a string ends within an escape") }
    let mark = raw[position]
    position += 1
    switch mark {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): result.append(mark)
    case UInt8(ascii: "n"): result.append(0x0A)
    case UInt8(ascii: "r"): result.append(0x0D)
    case UInt8(ascii: "t"): result.append(0x09)
    case UInt8(ascii: "b"): result.append(0x08)
    case UInt8(ascii: "f"): result.append(0x0C)
    case UInt8(ascii: "u"):
      let scalar = try escapedScalar(in: raw, at: &position)
      result.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    default: throw unreadable("a string has an escape that JSON does not know")
    }
  }

  /// The scalar of a `\u` escape, or of two that are a surrogate pair; a lone surrogate is U+FFFD, as in Go.
  private func escapedScalar(in raw: UnsafeRawBufferPointer, at position: inout Int) throws -> Unicode.Scalar {
    let first = try fourDigits(in: raw, at: &position)
    guard first & 0xFC00 == 0xD800 else { return Unicode.Scalar(first) ?? "\u{FFFD}" }
    guard position + 6 <= raw.count, raw[position] == UInt8(ascii: "\\"), raw[position + 1] == UInt8(ascii: "u") else {
      return "\u{FFFD}"
    }
    var after = position + 2
    let second = try fourDigits(in: raw, at: &after)
    guard second & 0xFC00 == 0xDC00 else { return "\u{FFFD}" }
    position = after
    return Unicode.Scalar(0x10000 + (first & 0x3FF) << 10 + (second & 0x3FF)) ?? "\u{FFFD}"
  }

  private func fourDigits(in raw: UnsafeRawBufferPointer, at position: inout Int) throws -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard position < raw.count, let digit = hexadecimalValue(of: raw[position]) else {
        throw unreadable("an escape is not four hexadecimal digits")
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }
}

/// The bytes that `text` means in base 64 with padding; nil when it is something else.
private func decodeBase64(_ text: [UInt8]) -> [UInt8]? {
  guard text.count % 4 == 0 else { return nil }
  var bytes = [UInt8]()
  bytes.reserveCapacity(text.count / 4 * 3)
  for start in stride(from: 0, to: text.count, by: 4) {
    var group: UInt32 = 0
    var padding = 0
    for character in text[start..<start + 4] {
      var digit: UInt32 = 0
      switch character {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = UInt32(character) - 65
      case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = UInt32(character) - 71
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = UInt32(character) + 4
      case UInt8(ascii: "+"): digit = 62
      case UInt8(ascii: "/"): digit = 63
      case UInt8(ascii: "=") where start + 4 == text.count: padding += 1
      default: return nil
      }
      guard padding == 0 || character == UInt8(ascii: "=") else { return nil }
      group = group << 6 | digit
    }
    guard padding < 3 else { return nil }
    bytes.append(UInt8(truncatingIfNeeded: group >> 16))
    if padding < 2 { bytes.append(UInt8(truncatingIfNeeded: group >> 8)) }
    if padding < 1 { bytes.append(UInt8(truncatingIfNeeded: group)) }
  }
  return bytes
}
