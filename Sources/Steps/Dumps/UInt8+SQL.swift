/// Bytes as PostgreSQL's lexer classes them, in an encoding in which an ASCII byte is always that character.
extension UInt8 {
  static let newline = UInt8(ascii: "\n")
  static let carriageReturn = UInt8(ascii: "\r")
  static let backslash = UInt8(ascii: "\\")
  static let quote = UInt8(ascii: "'")
  static let doubleQuote = UInt8(ascii: "\"")

  var isSQLSpace: Bool { self == 0x20 || (0x09...0x0d).contains(self) }

  var isSQLDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

  var beginsSQLWord: Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20) && self < 0x80 || self == UInt8(ascii: "_")
      || self >= 0x80
  }

  var isInSQLWord: Bool { beginsSQLWord || isSQLDigit }

  var lowercasedSQL: UInt8 { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self }
}
