/// A file of PostgreSQL's settings, as far as a restore has to read and write it.
///
/// Source: `src/backend/utils/misc/guc-file.l`: `name = value`, the equals sign optional, values in single quotes where
/// they are not plain words, `#` before comments, the last setting of a name counts, names in any case.
public struct ConfigurationFile: Sendable {
  /// Settings in the order of the file.
  public private(set) var settings: [(name: String, value: String)]

  /// Reads a file; lines that are no setting are left out.
  public init(parsing text: some StringProtocol) {
    settings = text.split(whereSeparator: \.isNewline).compactMap { Self.setting($0) }
  }

  /// The value that counts; nil where the file does not set it.
  public subscript(_ name: String) -> String? { settings.last { $0.name == name.lowercased() }?.value }

  /// Puts a value in the place of any there was.
  public mutating func set(_ name: String, _ value: String) {
    settings.removeAll { $0.name == name }
    settings.append((name, value))
  }

  /// Removes a setting.
  public mutating func remove(_ name: String) { settings.removeAll { $0.name == name } }

  /// The file's text: one setting a line, all values quoted.
  public var text: String {
    settings.map { "\($0.name) = \(Self.quoted($0.value))\n" }.joined()
  }

  /// A value in single quotes.
  static func quoted(_ value: String) -> String {
    "'" + value.replacing("\\", with: "\\\\").replacing("'", with: "''").replacing("\n", with: "\\n") + "'"
  }

  private static func setting(_ line: some StringProtocol) -> (name: String, value: String)? {
    var rest = Substring(line).drop { $0 == " " || $0 == "\t" }
    let name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." }
    guard let first = name.first, first.isLetter || first == "_" else { return nil }
    rest = rest.dropFirst(name.count).drop { $0 == " " || $0 == "\t" }
    if rest.first == "=" { rest = rest.dropFirst().drop { $0 == " " || $0 == "\t" } }
    if rest.first == "'" { return (name.lowercased(), unquoted(rest.dropFirst())) }
    let word = rest.prefix { $0 != "#" && $0 != " " && $0 != "\t" && $0 != "\r" }
    return word.isEmpty ? nil : (name.lowercased(), String(word))
  }

  private static func unquoted(_ text: Substring) -> String {
    var (value, rest) = ("", text)
    while let character = rest.popFirst() {
      switch character {
      case "'":
        guard rest.first == "'" else { return value }
        value.append("'")
        rest = rest.dropFirst()
      case "\\":
        switch rest.popFirst() {
        case "n": value.append("\n")
        case "t": value.append("\t")
        case let escaped?: value.append(escaped)
        case nil: break
        }
      default: value.append(character)
      }
    }
    return value
  }
}
