/// Why an SQL dump is not handed to `psql`, or not as it is.
package struct DumpRefusal: Error, Equatable, Sendable, CustomStringConvertible {
  /// The line that it is about, counted from 1.
  package var line: Int
  /// What is there.
  package var what: String
  /// What to do about it.
  package var advice: String

  package var description: String { "line \(line): \(what); \(advice)" }
}

extension DumpRefusal {
  /// A command of `psql` that stands where only SQL may.
  ///
  /// `text` is what follows the backslash, up to the end of the line.
  static func command(_ text: String, line: Int) -> DumpRefusal {
    let name = String(text.prefix { !$0.isWhitespace && $0 != "\\" }.prefix(20))
    let shown = "the psql command \\\(name)"
    return switch name {
    case "connect", "c":
      DumpRefusal(
        line: line, what: "\(shown) leads to another database",
        advice: "dump one database with pg_dump, and without --create; databaseName says where it goes")
    case "!": refused(line, "\(shown) runs a program")
    case "copy": refused(line, "\(shown) reads or writes a file of the machine that loads")
    case "i", "ir", "include", "include_relative": refused(line, "\(shown) reads another file")
    case "o", "out", "g", "gx", "w", "write", "s", "e", "edit", "ef", "ev":
      refused(line, "\(shown) writes a file or runs a program")
    case "restrict", "unrestrict": refused(line, "\(shown) is not as pg_dump writes it")
    default: refused(line, "\(shown) is not SQL")
    }
  }

  private static func refused(_ line: Int, _ what: String) -> DumpRefusal {
    DumpRefusal(line: line, what: what, advice: "a dump may hold SQL only: take the command out")
  }

  /// The dump ends where it can't: it was cut short.
  static func cutShort(_ line: Int, _ what: String) -> DumpRefusal {
    DumpRefusal(line: line, what: what, advice: "the dump was cut short: make or copy it anew")
  }

  /// A statement that changes more than the database that the dump is loaded into.
  static func clusterWide(_ words: String, line: Int) -> DumpRefusal {
    DumpRefusal(
      line: line, what: "\(words.uppercased()) reaches beyond the database that is loaded",
      advice: "dump with pg_dump, without --create and --clean; roles and tablespaces are made by hand before")
  }
}
