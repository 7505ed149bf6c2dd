import NIOCore

/// The pieces of JSON as Go's `encoding/json` writes them.
extension ByteBuffer {
  /// Writes `text` as a string: `<`, `>`, `&`, U+2028 and U+2029 are escaped, and bytes that are not UTF-8 become U+FFFD.
  mutating func writeJSONString(_ text: [UInt8]) {
    writeStaticString("\"")
    if text.allSatisfy(isPlain) {
      writeBytes(text)
    } else {
      for scalar in String(decoding: text, as: UTF8.self).unicodeScalars { writeEscaped(scalar) }
    }
    writeStaticString("\"")
  }

  /// Writes `number` in decimal.
  mutating func writeDecimal(_ number: UInt64) {
    var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
    withUnsafeMutableBytes(of: &digits) { place in
      var position = place.count
      var rest = number
      repeat {
        position -= 1
        place[position] = UInt8(ascii: "0") + UInt8(rest % 10)
        rest /= 10
      } while rest > 0
      writeBytes(UnsafeRawBufferPointer(rebasing: place[position...]))
    }
  }

  /// Writes `id` as a string of 64 hexadecimal digits.
  mutating func writeHexadecimal(_ id: BlobID) {
    writeWithUnsafeMutableBytes(minimumWritableBytes: 66) { place in
      place[0] = UInt8(ascii: "\"")
      id.digest.writeHexadecimal(to: UnsafeMutableRawBufferPointer(rebasing: place[1..<65]))
      place[65] = UInt8(ascii: "\"")
      return 66
    }
  }

  /// Writes `bytes` in base 64 with padding.
  mutating func writeBase64(_ bytes: [UInt8]) {
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let count = min(3, bytes.count - start)
      var group = UInt32(bytes[start]) << 16
      if count > 1 { group |= UInt32(bytes[start + 1]) << 8 }
      if count > 2 { group |= UInt32(bytes[start + 2]) }
      for place in 0..<4 {
        writeInteger(place <= count ? base64Digits[Int(group >> UInt32(18 - 6 * place) & 63)] : UInt8(ascii: "="))
      }
    }
  }

  private mutating func writeEscaped(_ scalar: Unicode.Scalar) {
    switch scalar {
    case "\"": writeStaticString("\\\"")
    case "\\": writeStaticString("\\\\")
    case "\n": writeStaticString("\\n")
    case "\r": writeStaticString("\\r")
    case "\t": writeStaticString("\\t")
    case "<", ">", "&", "\u{2028}", "\u{2029}", "\u{0}"..."\u{1F}":
      writeStaticString("\\u")
      for shift in [12, 8, 4, 0] { writeInteger(lowerDigit(UInt8(scalar.value >> UInt32(shift) & 15))) }
    default: writeBytes(UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }
  }
}

private let base64Digits = [UInt8]("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

private func isPlain(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"): false
  case 0x20..<0x80: true
  default: false
  }
}

@inline(__always)
private func lowerDigit(_ value: UInt8) -> UInt8 {
  value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") - 10 + value
}
