/// Names and strings as they stand in SQL.
enum SQLText {
  /// A quoted name.
  static func name(_ text: String) -> String { "\"" + text.replacing("\"", with: "\"\"") + "\"" }

  /// A quoted string, whatever standard_conforming_strings is.
  static func string(_ text: String) -> String {
    let quoted = "'" + text.replacing("'", with: "''") + "'"
    return text.contains("\\") ? "E" + quoted.replacing("\\", with: "\\\\") : quoted
  }

  /// A value of a libpq connection string (`conninfo_parse` in `fe-connect.c`).
  static func connectionValue(_ text: String) -> String {
    "'" + text.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'"
  }
}
