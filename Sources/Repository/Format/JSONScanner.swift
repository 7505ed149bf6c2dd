/// Walks through a JSON document without making values of it: for index files and trees, of which there are gigabytes.
///
/// The document has been authenticated before, so the scanner is not strict about commas; it never reads past the end,
/// and what it cannot follow is an error.
package struct JSONScanner {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0
  private let subject: String

  /// A scanner at the beginning of `bytes`, which must outlive it. `subject` names the document in errors.
  package init(_ bytes: UnsafeRawBufferPointer, of subject: String) {
    self.bytes = bytes
    self.subject = subject
  }

  /// Enters an object; false, and the value passed, when it is null.
  package mutating func beginObject() throws -> Bool { try begin(UInt8(ascii: "{")) }

  /// Enters an array; false, and the value passed, when it is null.
  package mutating func beginArray() throws -> Bool { try begin(UInt8(ascii: "[")) }

  /// The next key of the object that was entered, with its escapes; nil after the last.
  package mutating func nextKey() throws -> UnsafeRawBufferPointer? {
    guard try !isAtEnd(UInt8(ascii: "}")) else { return nil }
    let key = try string()
    try expect(UInt8(ascii: ":"))
    return key
  }

  /// Whether the array that was entered has another element.
  package mutating func nextElement() throws -> Bool { try !isAtEnd(UInt8(ascii: "]")) }

  /// The bytes between the quotes, with their escapes.
  package mutating func string() throws -> UnsafeRawBufferPointer {
    try expect(UInt8(ascii: "\""))
    let start = position
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        defer { position += 1 }
        return UnsafeRawBufferPointer(rebasing: bytes[start..<position])
      case UInt8(ascii: "\\"): position += 2
      default: position += 1
      }
    }
    throw unreadable("a string has no end")
  }

  /// A string that is a digest.
  package mutating func digest() throws -> SHA256Digest {
    guard let digest = SHA256Digest(hexadecimalDigits: try string()) else {
      throw unreadable("an id is not 64 hexadecimal digits")
    }
    return digest
  }

  /// A number without sign, fraction or exponent.
  package mutating func unsigned() throws -> UInt64 {
    skipSpace()
    var value: UInt64 = 0
    let start = position
    while position < bytes.count, (0x30...0x39).contains(bytes[position]) {
      let (tens, tooLarge) = value.multipliedReportingOverflow(by: 10)
      let (sum, stillTooLarge) = tens.addingReportingOverflow(UInt64(bytes[position] - 0x30))
      guard !tooLarge, !stillTooLarge else { throw unreadable("a number is too large") }
      value = sum
      position += 1
    }
    guard position > start else { throw unreadable("a number is missing") }
    return value
  }

  /// A number without sign, fraction or exponent that fits into 32 bits.
  package mutating func unsigned32() throws -> UInt32 {
    guard let value = UInt32(exactly: try unsigned()) else { throw unreadable("a length or offset exceeds 4 GiB") }
    return value
  }

  /// Passes null, if the next value is that.
  package mutating func passNull() -> Bool {
    skipSpace()
    guard position + 4 <= bytes.count, bytes[position] == UInt8(ascii: "n") else { return false }
    position += 4
    return true
  }

  /// Passes the next value, whatever it is.
  package mutating func skipValue() throws {
    var depth = 0
    repeat {
      skipSpace()
      guard position < bytes.count else { throw unreadable("a value has no end") }
      switch bytes[position] {
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        position += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        position += 1
      case UInt8(ascii: ","), UInt8(ascii: ":"): position += 1
      case UInt8(ascii: "\""): _ = try string()
      default: skipScalar()
      }
    } while depth > 0
  }

  /// An error about this document.
  package func unreadable(_ what: String) -> RepositoryError {
    RepositoryError(.corrupted, "\(subject) is not readable at byte \(position): \(what)")
  }

  private mutating func begin(_ mark: UInt8) throws -> Bool {
    if passNull() { return false }
    try expect(mark)
    return true
  }

  private mutating func isAtEnd(_ mark: UInt8) throws -> Bool {
    skipSpace()
    guard position < bytes.count else { throw unreadable("it ends too early") }
    if bytes[position] == mark {
      position += 1
      return true
    }
    if bytes[position] == UInt8(ascii: ",") { position += 1 }
    return false
  }

  private mutating func expect(_ mark: UInt8) throws {
    skipSpace()
    guard position < bytes.count, bytes[position] == mark else {
      throw unreadable("'\(Character(UnicodeScalar(mark)))' is missing")
    }
    position += 1
  }

  private mutating func skipSpace() {
    while position < bytes.count, bytes[position] <= 0x20 { position += 1 }
  }

  private mutating func skipScalar() {
    scalar: while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ":"), 0...0x20: break scalar
      default: position += 1
      }
    }
  }
}

extension UnsafeRawBufferPointer {
  /// Whether these bytes are the UTF-8 of `text`.
  package func equals(_ text: StaticString) -> Bool {
    count == text.utf8CodeUnitCount
      && zip(self, UnsafeBufferPointer(start: text.utf8Start, count: count)).allSatisfy { $0 == $1 }
  }
}
