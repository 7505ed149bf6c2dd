package import KubeModel
package import NIOCore

/// JSON that is written field by field into one buffer.
///
/// A list of a hundred objects is the commonest answer of all; written this way it costs a tenth of what a
/// `JSONEncoder` takes, which boxes every value first. Fields without a value are left out.
package struct JSONText {
  /// Nothing yet.
  package init() {}

  /// What was written so far.
  package private(set) var buffer = ByteBuffer()
  private var needsComma = false

  /// `{`, what `body` writes, `}`.
  package mutating func object(_ body: (inout JSONText) -> Void) { enclose("{", "}", body) }

  /// `[`, each element as `write` writes it, `]`.
  package mutating func array<Element>(_ elements: some Sequence<Element>, _ write: (Element, inout JSONText) -> Void) {
    enclose("[", "]") { text in
      for element in elements { write(element, &text) }
    }
  }

  private mutating func enclose(_ open: StaticString, _ close: StaticString, _ body: (inout JSONText) -> Void) {
    separate()
    buffer.writeStaticString(open)
    needsComma = false
    body(&self)
    buffer.writeStaticString(close)
    needsComma = true
  }

  private mutating func separate() {
    if needsComma { buffer.writeInteger(UInt8(ascii: ",")) }
    needsComma = true
  }

  /// The field's name, after which exactly one value is to be written. Names are ours: nothing in them is escaped.
  private mutating func name(_ name: StaticString) {
    separate()
    buffer.writeInteger(UInt8(ascii: "\""))
    buffer.writeStaticString(name)
    buffer.writeStaticString("\":")
    needsComma = false
  }

  // MARK: Fields of an object

  /// A field with the one value that `body` writes.
  package mutating func field(_ name: StaticString, _ body: (inout JSONText) -> Void) {
    self.name(name)
    body(&self)
  }

  /// A field with an array as its value.
  package mutating func field<Element>(
    _ name: StaticString, array elements: some Sequence<Element>, _ write: (Element, inout JSONText) -> Void
  ) {
    self.name(name)
    array(elements, write)
  }

  /// A text; left out where there is none.
  package mutating func field(_ name: StaticString, _ value: String?) {
    guard let value else { return }
    self.name(name)
    string(value)
  }

  /// A text or `null`.
  package mutating func nullableField(_ name: StaticString, _ value: String?) {
    self.name(name)
    if let value { string(value) } else { raw("null") }
  }

  /// A number; left out where there is none.
  package mutating func field(_ name: StaticString, _ value: (some FixedWidthInteger)?) {
    guard let value else { return }
    self.name(name)
    raw(String(value))
  }

  /// A number; left out where there is none, or where JSON has no word for it.
  package mutating func field(_ name: StaticString, _ value: Double?) {
    guard let value, value.isFinite else { return }
    self.name(name)
    raw(String(value))
  }

  /// A boolean; left out where there is none.
  package mutating func field(_ name: StaticString, _ value: Bool?) {
    guard let value else { return }
    self.name(name)
    raw(value ? "true" : "false")
  }

  /// A time in RFC 3339; left out where there is none.
  package mutating func field(_ name: StaticString, _ value: Timestamp?) { field(name, value?.description) }

  /// A time in RFC 3339 with microseconds; left out where there is none.
  package mutating func field(_ name: StaticString, _ value: MicroTime?) { field(name, value?.description) }

  /// One of a kind's words; left out where there is none.
  package mutating func field<Word: RawRepresentable<String>>(_ name: StaticString, _ value: Word?) {
    field(name, value?.rawValue)
  }

  /// Texts by name, sorted.
  package mutating func field(_ name: StaticString, texts: [String: String]) {
    self.name(name)
    enclose("{", "}") { text in
      for (key, value) in texts.sorted(by: { $0.key < $1.key }) {
        text.string(key)
        text.buffer.writeInteger(UInt8(ascii: ":"))
        text.needsComma = false
        text.string(value)
      }
    }
  }

  /// A text as an element of an array.
  package mutating func string(_ value: String) {
    separate()
    var value = value
    value.withUTF8 { bytes in
      buffer.writeInteger(UInt8(ascii: "\""))
      var plain = 0
      for (index, byte) in bytes.enumerated()
      where byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
        buffer.writeBytes(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[plain..<index]))
        escape(byte)
        plain = index + 1
      }
      buffer.writeBytes(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[plain...]))
      buffer.writeInteger(UInt8(ascii: "\""))
    }
  }

  private mutating func escape(_ byte: UInt8) {
    if byte >= 0x20 {
      buffer.writeInteger(UInt8(ascii: "\\"))
      buffer.writeInteger(byte)
      return
    }
    let digits = Array("0123456789abcdef".utf8)
    buffer.writeStaticString("\\u00")
    buffer.writeInteger(digits[Int(byte >> 4)])
    buffer.writeInteger(digits[Int(byte & 15)])
  }

  private mutating func raw(_ word: String) {
    separate()
    buffer.writeString(word)
  }
}

/// Something that an answer shows.
protocol JSONView {
  /// Writes it as one JSON value.
  func write(to text: inout JSONText)
}
