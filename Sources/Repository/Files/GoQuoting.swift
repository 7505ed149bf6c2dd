/// Names in a tree are quoted as Go's `strconv.Quote` does, without the outer quotes, so that names that are not UTF-8
/// survive JSON (restic's `doc/design.rst`, "Trees and Data").
enum GoQuoting {
  /// `bytes` quoted, or nil when they stand for themselves: then no copy is made.
  static func quoted(_ bytes: [UInt8]) -> [UInt8]? {
    if bytes.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != backslash && $0 != quote }) { return nil }
    var result = [UInt8]()
    result.reserveCapacity(bytes.count + 16)
    var position = 0
    while position < bytes.count {
      let byte = bytes[position]
      if byte < 0x80 {
        append(ascii: byte, to: &result)
        position += 1
      } else if let (scalar, length) = decodeUTF8(bytes, at: position) {
        if isPrintable(scalar) {
          result.append(contentsOf: bytes[position..<position + length])
        } else if scalar.value < 0x10000 {
          append(escape: "u", scalar.value, digits: 4, to: &result)
        } else {
          append(escape: "U", scalar.value, digits: 8, to: &result)
        }
        position += length
      } else {
        append(escape: "x", UInt32(byte), digits: 2, to: &result)
        position += 1
      }
    }
    return result
  }

  /// The bytes that `text` is the quoted form of; nil when it is not a quoted form.
  static func unquoted(_ text: [UInt8]) -> [UInt8]? {
    guard text.contains(backslash) else { return text.contains(quote) ? nil : text }
    var result = [UInt8]()
    result.reserveCapacity(text.count)
    var position = 0
    while position < text.count {
      let byte = text[position]
      position += 1
      if byte == quote { return nil }
      guard byte == backslash else {
        result.append(byte)
        continue
      }
      guard position < text.count else { return nil }
      let mark = text[position]
      position += 1
      switch mark {
      case UInt8(ascii: "x"):
        guard let value = hexadecimal(text, &position, digits: 2) else { return nil }
        result.append(UInt8(value))
      case UInt8(ascii: "u"), UInt8(ascii: "U"):
        guard let value = hexadecimal(text, &position, digits: mark == UInt8(ascii: "u") ? 4 : 8),
          let scalar = Unicode.Scalar(value)
        else { return nil }
        result.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
      case UInt8(ascii: "0")...UInt8(ascii: "7"):
        guard position + 2 <= text.count else { return nil }
        var value = 0
        for digit in [mark, text[position], text[position + 1]] {
          guard (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(digit) else { return nil }
          value = value * 8 + Int(digit - UInt8(ascii: "0"))
        }
        guard value < 256 else { return nil }
        position += 2
        result.append(UInt8(value))
      default:
        guard let plain = byEscape[mark] else { return nil }
        result.append(plain)
      }
    }
    return result
  }

  private static let backslash = UInt8(ascii: "\\")
  private static let quote = UInt8(ascii: "\"")
  private static let byEscape: [UInt8: UInt8] = [
    UInt8(ascii: "a"): 7, UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12, UInt8(ascii: "n"): 10, UInt8(ascii: "r"): 13,
    UInt8(ascii: "t"): 9, UInt8(ascii: "v"): 11, backslash: backslash, quote: quote,
  ]

  private static func append(ascii byte: UInt8, to result: inout [UInt8]) {
    switch byte {
    case backslash, quote: result += [backslash, byte]
    case 7: result += [backslash, UInt8(ascii: "a")]
    case 8: result += [backslash, UInt8(ascii: "b")]
    case 9: result += [backslash, UInt8(ascii: "t")]
    case 10: result += [backslash, UInt8(ascii: "n")]
    case 11: result += [backslash, UInt8(ascii: "v")]
    case 12: result += [backslash, UInt8(ascii: "f")]
    case 13: result += [backslash, UInt8(ascii: "r")]
    case 0..<0x20, 0x7F: append(escape: "x", UInt32(byte), digits: 2, to: &result)
    default: result.append(byte)
    }
  }

  private static func append(escape mark: Unicode.Scalar, _ value: UInt32, digits: Int, to result: inout [UInt8]) {
    result += [backslash, UInt8(ascii: mark)]
    for digit in stride(from: digits - 1, through: 0, by: -1) {
      result.append(hexadecimalDigits[Int(value >> UInt32(4 * digit) & 15)])
    }
  }

  /// What Go's `strconv.IsPrint` lets stand: letters, marks, numbers, punctuation, symbols.
  private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .spaceSeparator, .lineSeparator, .paragraphSeparator:
      false
    default: true
    }
  }

  private static func hexadecimal(_ text: [UInt8], _ position: inout Int, digits: Int) -> UInt32? {
    guard position + digits <= text.count else { return nil }
    var value: UInt32 = 0
    for byte in text[position..<position + digits] {
      guard let digit = hexadecimalValue(of: byte) else { return nil }
      value = value << 4 | UInt32(digit)
    }
    position += digits
    return value
  }

  /// The scalar at `position` and its length, or nil when no valid UTF-8 sequence begins there.
  private static func decodeUTF8(_ bytes: [UInt8], at position: Int) -> (Unicode.Scalar, Int)? {
    let lead = bytes[position]
    let length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2
    guard lead >= 0xC2, lead <= 0xF4, position + length <= bytes.count else { return nil }
    var value = UInt32(lead) & (0x7F >> UInt32(length))
    for byte in bytes[(position + 1)..<(position + length)] {
      guard byte & 0xC0 == 0x80 else { return nil }
      value = value << 6 | UInt32(byte & 0x3F)
    }
    let least: UInt32 = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000
    guard value >= least, let scalar = Unicode.Scalar(value) else { return nil }
    return (scalar, length)
  }
}

private let hexadecimalDigits = [UInt8]("0123456789abcdef".utf8)
