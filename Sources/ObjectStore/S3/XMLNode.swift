/// One element of an S3 answer: enough of XML for what these servers send, strict about what it reads.
///
/// Knows elements, attributes (which it drops), text, CDATA, the five named entities and numbered ones, comments and
/// processing instructions. Refuses document types (no entity definitions, so no expansion), unclosed or crossed
/// elements, and more than 64 levels.
package struct XMLNode: Sendable, Equatable {
  package let name: String
  /// The text directly inside, joined.
  package private(set) var text = ""
  package private(set) var children: [XMLNode] = []

  /// What is wrong with a document, and at which byte.
  package struct Malformed: Error, Equatable {
    package let reason: String
    package let offset: Int
  }

  private init(name: String) { self.name = name }

  /// The first child of that name.
  package func child(_ name: String) -> XMLNode? { children.first { $0.name == name } }

  /// The text of the first child of that name.
  package subscript(name: String) -> String? { child(name)?.text }

  /// All children of that name.
  package func all(_ name: String) -> [XMLNode] { children.filter { $0.name == name } }

  /// Reads a whole document.
  package init(document bytes: some Sequence<UInt8>) throws {
    var parser = Parser(bytes: Array(bytes))
    self = try parser.document()
  }

  private struct Parser {
    let bytes: [UInt8]
    var offset = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws -> XMLNode {
      if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { offset = 3 }
      try skipMisc()
      guard peek("<") else { throw malformed("there is no element") }
      let root = try element(depth: 0)
      try skipMisc()
      guard offset == bytes.count else { throw malformed("something follows the document's end") }
      return root
    }

    private mutating func element(depth: Int) throws -> XMLNode {
      guard depth < 64 else { throw malformed("elements lie too deep") }
      offset += 1
      var node = XMLNode(name: try name())
      if try attributesEndEmpty() { return node }
      var text: [UInt8] = []
      while true {
        try take(textInto: &text)
        if skip("</") {
          guard try name() == node.name else { throw malformed("<\(node.name)> is closed by another name") }
          skipSpace()
          guard skip(">") else { throw malformed("a closing tag does not end") }
          guard let decoded = String(validating: text, as: UTF8.self) else { throw malformed("text is not UTF-8") }
          node.text = decoded
          return node
        } else if skip("<![CDATA[") {
          text += bytes[try find("]]>")]
        } else if skip("<!--") {
          _ = try find("-->")
        } else if skip("<?") {
          _ = try find("?>")
        } else if peek("<!") || !peek("<") {
          throw malformed("<\(node.name)> is not closed")
        } else {
          node.children.append(try element(depth: depth + 1))
        }
      }
    }

    /// Whether the tag was one that closes itself.
    private mutating func attributesEndEmpty() throws -> Bool {
      while offset < bytes.count {
        skipSpace()
        if skip("/>") { return true }
        if skip(">") { return false }
        _ = try name()
        skipSpace()
        guard skip("=") else { throw malformed("an attribute has no value") }
        skipSpace()
        let quote = peek("'") ? "'" : "\""
        guard skip(quote) else { throw malformed("an attribute's value is not quoted") }
        _ = try find(quote)
      }
      throw malformed("a tag does not end")
    }

    private mutating func take(textInto text: inout [UInt8]) throws {
      while offset < bytes.count, bytes[offset] != UInt8(ascii: "<") {
        if bytes[offset] == UInt8(ascii: "&") {
          offset += 1
          text += try entity(bytes[try find(";")])
        } else {
          text.append(bytes[offset])
          offset += 1
        }
      }
    }

    private func entity(_ name: ArraySlice<UInt8>) throws -> [UInt8] {
      let name = String(decoding: name, as: UTF8.self)
      switch name {
      case "amp": return [UInt8(ascii: "&")]
      case "lt": return [UInt8(ascii: "<")]
      case "gt": return [UInt8(ascii: ">")]
      case "quot": return [UInt8(ascii: "\"")]
      case "apos": return [UInt8(ascii: "'")]
      default:
        let number =
          name.hasPrefix("#x")
          ? UInt32(name.dropFirst(2), radix: 16)
          : name.hasPrefix("#") ? UInt32(name.dropFirst(1)) : nil
        guard let scalar = number.flatMap(Unicode.Scalar.init) else { throw malformed("&\(name); is no entity") }
        return Array(String(scalar).utf8)
      }
    }

    private mutating func name() throws -> String {
      let start = offset
      while offset < bytes.count, !" \t\r\n/>=<".utf8.contains(bytes[offset]) { offset += 1 }
      guard offset > start else { throw malformed("a name is missing") }
      let full = String(decoding: bytes[start..<offset], as: UTF8.self)
      return full.split(separator: ":").last.map(String.init) ?? full
    }

    private mutating func skipMisc() throws {
      while true {
        skipSpace()
        if skip("<?") {
          _ = try find("?>")
        } else if skip("<!--") {
          _ = try find("-->")
        } else {
          return
        }
      }
    }

    private mutating func skipSpace() {
      while offset < bytes.count, " \t\r\n".utf8.contains(bytes[offset]) { offset += 1 }
    }

    private func peek(_ mark: String) -> Bool { bytes[offset...].starts(with: mark.utf8) }

    private mutating func skip(_ mark: String) -> Bool {
      guard peek(mark) else { return false }
      offset += mark.utf8.count
      return true
    }

    /// What lies before `mark`; goes on behind it.
    private mutating func find(_ mark: String) throws -> Range<Int> {
      let start = offset
      while offset < bytes.count {
        if skip(mark) { return start..<(offset - mark.utf8.count) }
        offset += 1
      }
      offset = start
      throw malformed("'\(mark)' is missing")
    }

    private func malformed(_ reason: String) -> Malformed { Malformed(reason: reason, offset: offset) }
  }
}
