import KubeModel

/// What a text in a body or a query may be. The document of the API says the same as a regular expression.
struct TextRule: Sendable {
  /// What would be right, to end the sentence 'expected …'.
  let expected: String
  let accepts: @Sendable (String) -> Bool

  init(_ expected: String, _ accepts: @escaping @Sendable (String) -> Bool) {
    (self.expected, self.accepts) = (expected, accepts)
  }

  /// One of a kind's words.
  static func word<Word: RawRepresentable<String> & CaseIterable>(of type: Word.Type) -> TextRule {
    let words = Word.allCases.map(\.rawValue)
    return TextRule("one of \(words.joined(separator: ", "))") { words.contains($0) }
  }

  /// 1 to `limit` characters out of ASCII's visible ones.
  static func visible(upTo limit: Int) -> TextRule {
    TextRule("1 to \(limit) visible ASCII characters") { text in
      (1...limit).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    }
  }

  /// A name of a Kubernetes object that this facade makes: a DNS label.
  static let name = TextRule("1 to 63 lower-case letters, digits and '-', beginning and ending with none of '-'") {
    (1...63).contains($0.utf8.count) && $0.first != "-" && $0.last != "-" && $0.utf8.allSatisfy(isLabelByte)
  }

  /// An id: a uid, a name, or `namespace/name`.
  static let id = TextRule("an id, a name, or namespace/name") {
    (1...320).contains($0.utf8.count) && $0.utf8.allSatisfy { isLabelByte($0) || $0 == 0x2e || $0 == 0x2f }
  }

  static let bucket = TextRule("1 to 255 letters, digits, '.', '_' and '-', beginning with a letter or digit") {
    (1...255).contains($0.utf8.count) && $0.utf8.allSatisfy(isFileByte) && isAlphanumeric($0.utf8.first)
  }

  static let prefix = TextRule("a path such as team/backups, of letters, digits, '.', '_' and '-'; or nothing") {
    text in
    guard !text.isEmpty else { return true }
    return text.utf8.count <= 512
      && text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        .allSatisfy { !$0.isEmpty && $0.allSatisfy(isFileByte) }
  }

  /// A pattern of paths or keys.
  static let pattern = TextRule("1 to 1,024 printable ASCII characters, such as *.tmp or var/cache/**") { text in
    (1...1024).contains(text.utf8.count) && text.utf8.allSatisfy { (0x20...0x7e).contains($0) }
  }

  /// A path below a root, no part of which is `.` or begins with two dots.
  static let relativePath = TextRule("a path from the root, such as uploads/2026, in printable ASCII") { text in
    (1...1024).contains(text.utf8.count) && text.utf8.allSatisfy { (0x20...0x7e).contains($0) }
      && text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { part in
        let rest = part.first == UInt8(ascii: ".") ? part.dropFirst() : part
        return !rest.isEmpty && rest.first != UInt8(ascii: ".")
      }
  }

  static let region = TextRule("1 to 64 lower-case letters, digits and '-'") {
    (1...64).contains($0.utf8.count) && $0.utf8.allSatisfy(isLabelByte)
  }

  static let account = TextRule("1 to 64 letters and digits") {
    (1...64).contains($0.utf8.count) && $0.utf8.allSatisfy { isAlphanumeric($0) }
  }

  static let jurisdiction = TextRule("eu or fedramp") { $0 == "eu" || $0 == "fedramp" }

  static let endpoint = TextRule("https://HOST or https://HOST:PORT") { text in
    let rest = text.hasPrefix("https://") ? text.dropFirst(8) : text.hasPrefix("http://") ? text.dropFirst(7) : ""
    let parts = rest.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard let host = parts.first, (1...252).contains(host.utf8.count), isAlphanumeric(host.utf8.first),
      isAlphanumeric(host.utf8.last), host.utf8.allSatisfy({ isAlphanumeric($0) || $0 == 0x2e || $0 == 0x2d })
    else { return false }
    guard parts.count == 2 else { return true }
    return parts[1].utf8.first != 0x30 && parts[1].utf8.allSatisfy(isDigit) && (1...4).contains(parts[1].utf8.count)
      || (Int(parts[1]).map { (10_000...65_535).contains($0) } ?? false) && parts[1].utf8.count == 5
  }

  /// A name of a PostgreSQL database (NAMEDATALEN is 64), without what would need care in a shell.
  static let databaseName = TextRule("1 to 63 letters, digits, '_' and '-', beginning with a letter or '_'") {
    (1...63).contains($0.utf8.count) && $0.utf8.allSatisfy { isAlphanumeric($0) || $0 == 0x5f || $0 == 0x2d }
      && ($0.utf8.first.map { !isDigit($0) && $0 != 0x2d } ?? false)
  }

  /// An object's key below a destination's prefix, or a file's path in a snapshot.
  static let path = TextRule("1 to 1,024 visible ASCII characters or spaces") {
    (1...1024).contains($0.utf8.count) && $0.utf8.allSatisfy { (0x20...0x7e).contains($0) }
  }

  static let snapshot = TextRule("4 to 64 lower-case hexadecimal digits, or latest") {
    $0 == "latest"
      || (4...64).contains($0.utf8.count) && $0.utf8.allSatisfy { isDigit($0) || (0x61...0x66).contains($0) }
  }

  static let time = TextRule("a time of RFC 3339 such as 2026-01-31T06:15:00Z") { MicroTime($0) != nil }

  static let duration = TextRule("a duration such as 36h or 720h") { text in
    text.utf8.count <= 32 && (GoDuration(text).map { $0.nanoseconds > 0 } ?? false)
  }

  static let cursor = TextRule("the next_cursor of an earlier answer") { PageCursor($0) != nil }
}

/// `a-z`, `0-9` and `-`.
func isLabelByte(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte) || isDigit(byte) || byte == 0x2d }

private func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

private func isAlphanumeric(_ byte: UInt8?) -> Bool {
  guard let byte else { return false }
  return (0x61...0x7a).contains(byte | 0x20) || isDigit(byte)
}

private func isFileByte(_ byte: UInt8) -> Bool {
  isAlphanumeric(byte) || byte == 0x2e || byte == 0x5f || byte == 0x2d
}
