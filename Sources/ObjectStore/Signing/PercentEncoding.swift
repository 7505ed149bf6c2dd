/// Percent-encoding as Signature Version 4 wants it: all but RFC 3986's unreserved characters, in upper-case digits.
package enum PercentEncoding {
  /// Whether a slash is written as it is.
  package enum Slash { case kept, encoded }

  package static func encode(_ text: String, slash: Slash) -> String {
    let bytes = text.utf8
    if bytes.allSatisfy({ isPlain($0, slash) }) { return text }
    let digits = Array("0123456789ABCDEF".utf8)
    return String(unsafeUninitializedCapacity: bytes.count * 3) { out in
      var count = 0
      for byte in bytes {
        if isPlain(byte, slash) {
          out[count] = byte
          count += 1
        } else {
          out[count] = UInt8(ascii: "%")
          out[count + 1] = digits[Int(byte >> 4)]
          out[count + 2] = digits[Int(byte & 15)]
          count += 3
        }
      }
      return count
    }
  }

  /// Nil when a `%` is not followed by two digits, or the bytes are not UTF-8.
  package static func decode(_ text: some StringProtocol) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%") {
        guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else { return nil }
        bytes.append(high << 4 | low)
      } else {
        // Listings with encoding-type=url write a space as a form does.
        bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func isPlain(_ byte: UInt8, _ slash: Slash) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
      true
    case UInt8(ascii: "/"): slash == .kept
    default: false
    }
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
