import PostgresEngine

/// What a database is besides its contents: what a new one that takes its place has to have as well.
package struct DatabaseTraits: Sendable, Equatable {
  package var owner: String
  package var encoding: String
  package var collation: String
  package var characterType: String
  package var tablespace: String
  package var connectionLimit: Int
  /// `c` for the C library's locales, `i` for ICU's, `b` for PostgreSQL's own.
  package var provider: String
  /// The provider's own locale, where it is not the C library's.
  package var locale: String?
  package var rules: String?

  /// The given traits, of a database with locales of the C library.
  package init(owner: String, encoding: String, collation: String, characterType: String) {
    (self.owner, self.encoding, self.collation, self.characterType) = (owner, encoding, collation, characterType)
    tablespace = "pg_default"
    connectionLimit = -1
    provider = "c"
  }

  /// Reads those of the database `name`; nil where there is none.
  static func read(_ name: String, by connection: SQLConnection) async throws -> DatabaseTraits? {
    let major = connection.serverVersion.major
    let provider =
      switch major {
      case 17...: "datlocprovider, datlocale, daticurules"
      case 16: "datlocprovider, daticulocale, daticurules"
      case 15: "datlocprovider, daticulocale, NULL"
      default: "'c', NULL, NULL"
      }
    let rows = try await connection.query(
      """
      SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype, spcname, datconnlimit,
        \(provider)
      FROM pg_database JOIN pg_tablespace ON pg_tablespace.oid = dattablespace WHERE datname = $1
      """, [name]
    ).rows
    guard let row = rows.first else { return nil }
    var traits = DatabaseTraits(
      owner: row[0] ?? "", encoding: row[1] ?? "UTF8", collation: row[2] ?? "C", characterType: row[3] ?? "C")
    traits.tablespace = row[4] ?? traits.tablespace
    traits.connectionLimit = row[5].flatMap { Int($0) } ?? traits.connectionLimit
    (traits.provider, traits.locale, traits.rules) = (row[6] ?? "c", row[7], row[8])
    return traits
  }

  /// The statement that makes a database `name` like this one; nil traits: as the server's defaults are, in UTF-8.
  package static func creation(of name: String, like traits: DatabaseTraits?) -> String {
    var words = ["CREATE DATABASE", SQLText.name(name), "WITH TEMPLATE template0"]
    guard let traits else { return (words + ["ENCODING 'UTF8'"]).joined(separator: " ") }
    words += [
      "OWNER \(SQLText.name(traits.owner))", "ENCODING \(SQLText.string(traits.encoding))",
      "LC_COLLATE \(SQLText.string(traits.collation))", "LC_CTYPE \(SQLText.string(traits.characterType))",
      "TABLESPACE \(SQLText.name(traits.tablespace))",
    ]
    switch (traits.provider, traits.locale) {
    case ("i", let locale?): words.append("LOCALE_PROVIDER icu ICU_LOCALE \(SQLText.string(locale))")
    case ("b", let locale?): words.append("LOCALE_PROVIDER builtin BUILTIN_LOCALE \(SQLText.string(locale))")
    default: break
    }
    if let rules = traits.rules { words.append("ICU_RULES \(SQLText.string(rules))") }
    return words.joined(separator: " ")
  }
}
