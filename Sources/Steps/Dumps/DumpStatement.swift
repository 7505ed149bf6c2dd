/// As much of one SQL statement as has to be understood to know what follows it: its first words, and how it nests.
///
/// It follows `psql` (`psqlscan.l`), not the server: what matters is where `psql` sees a statement end, and when the
/// lines after it are data.
struct DumpStatement {
  /// The first words, in lower case; quoted names and the like are left out.
  private var words: [String] = []
  private var isEmpty = true
  private var parentheses = 0
  /// The depth of `BEGIN ATOMIC … END` and of `CASE … END` in it.
  private var blocks = 0
  private var previous = Token.other
  private var line = 1
  private var readsInput = false
  private var stringSetting = StringSetting.none

  private enum Token { case from, other }

  /// What `SET standard_conforming_strings` is set to.
  private enum StringSetting { case none, named, on }

  /// More words than these decide nothing.
  private static let wordLimit = 4

  /// Whether nothing of a statement was seen yet.
  var hasBegun: Bool { !isEmpty }
  /// The line on which it begins.
  var firstLine: Int { line }

  /// A word outside of quotes, in lower case. Throws where the statement must not be loaded.
  mutating func word(_ text: String, line: Int) throws(DumpRefusal) {
    let index = words.count
    try begin(line, nextWord: text)
    if index < Self.wordLimit { words.append(text) }
    if parentheses == 0 {
      trackBlocks(text)
      if words[0] == "copy", previous == .from, text == "stdin" { readsInput = true }
    }
    if words[0] == "set" {
      if text == "standard_conforming_strings" { stringSetting = .named } else if text == "on" { settle() }
    }
    if index == 1 { try refuseClusterWide(line) }
    previous = text == "from" ? .from : .other
  }

  /// Anything else that is not white space and no comment.
  mutating func other(line: Int) throws(DumpRefusal) {
    try begin(line, nextWord: nil)
    previous = .other
  }

  mutating func openParenthesis(line: Int) throws(DumpRefusal) {
    try other(line: line)
    parentheses += 1
  }

  mutating func closeParenthesis(line: Int) throws(DumpRefusal) {
    try other(line: line)
    parentheses = max(0, parentheses - 1)
  }

  /// What a semicolon ends.
  enum End: Equatable {
    /// Nothing: it stands inside of the statement.
    case nothing
    /// The statement; SQL follows.
    case statement
    /// A `COPY … FROM STDIN`: from the next line on there are data.
    case copy
  }

  /// A semicolon. Where it ends the statement, the next one begins.
  mutating func semicolon(line: Int) throws(DumpRefusal) -> End {
    guard parentheses == 0, blocks == 0 else { return .nothing }
    if stringSetting == .named {
      throw DumpRefusal(
        line: line, what: "standard_conforming_strings is turned off: strings would not end where they seem to",
        advice: "dump with PGOPTIONS='-c standard_conforming_strings=on' in pg_dump's environment")
    }
    let end: End = readsInput ? .copy : .statement
    self = DumpStatement()
    return end
  }

  private mutating func begin(_ line: Int, nextWord: String?) throws(DumpRefusal) {
    if isEmpty { (isEmpty, self.line) = (false, line) }
    // `CREATE USER MAPPING` stays in the database, `CREATE USER` does not.
    if words.count == 2, words[1] == "user", Self.definitions.contains(words[0]), nextWord != "mapping" {
      throw .clusterWide("\(words[0]) user", line: line)
    }
  }

  private mutating func settle() { if stringSetting == .named { stringSetting = .on } }

  private static let definitions: Set = ["create", "alter", "drop"]
  private static let clusterWide: Set = ["role", "group", "database", "tablespace", "system"]

  private func refuseClusterWide(_ line: Int) throws(DumpRefusal) {
    guard Self.definitions.contains(words[0]), Self.clusterWide.contains(words[1]) else { return }
    throw .clusterWide("\(words[0]) \(words[1])", line: line)
  }

  /// As `psqlscan.l` finds the end of a routine's body that is written in standard SQL.
  private mutating func trackBlocks(_ word: String) {
    guard words[0] == "create", isRoutine else { return }
    switch word {
    case "begin": blocks += 1
    case "case": blocks += blocks > 0 ? 1 : 0
    case "end": blocks = max(0, blocks - 1)
    default: break
    }
  }

  private var isRoutine: Bool {
    let kind = words.dropFirst().first == "or" && words.count > 3 ? words[3] : words.dropFirst().first
    return kind == "function" || kind == "procedure"
  }
}
