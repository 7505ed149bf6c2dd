import PostgresEngine

/// What people gave a database beside its contents: settings, and who may do what with it. Whoever takes its name gets
/// them too.
package struct DatabaseSettings: Sendable, Equatable {
  /// A setting of the database, or of one role in it.
  package struct Setting: Sendable, Equatable {
    package var role: String?
    package var name: String
    package var value: String

    package init(role: String? = nil, name: String, value: String) {
      (self.role, self.name, self.value) = (role, name, value)
    }
  }

  /// A privilege on the database.
  package struct Grant: Sendable, Equatable {
    /// nil: everybody.
    package var role: String?
    package var privilege: String
    package var isGrantable: Bool

    package init(role: String?, privilege: String, isGrantable: Bool) {
      (self.role, self.privilege, self.isGrantable) = (role, privilege, isGrantable)
    }
  }

  package var settings: [Setting]
  /// nil: as PostgreSQL gives them by itself.
  package var grants: [Grant]?

  package init(settings: [Setting], grants: [Grant]?) { (self.settings, self.grants) = (settings, grants) }

  /// Reads those of the database `name`.
  static func read(_ name: String, by connection: SQLConnection) async throws -> DatabaseSettings {
    let settings = try await connection.query(
      """
      SELECT rolname, split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1)
      FROM pg_database d JOIN pg_db_role_setting s ON s.setdatabase = d.oid LEFT JOIN pg_roles r ON r.oid = s.setrole,
        unnest(setconfig) AS setting
      WHERE datname = $1 ORDER BY 1 NULLS FIRST, 2
      """, [name])
    let isPlain = try await connection.query("SELECT datacl IS NULL FROM pg_database WHERE datname = $1", [name])
    let grants = try await connection.query(
      """
      SELECT CASE WHEN grantee <> 0 THEN pg_get_userbyid(grantee) END, privilege_type, is_grantable
      FROM pg_database, aclexplode(datacl) WHERE datname = $1
      """, [name])
    return DatabaseSettings(
      settings: settings.rows.map { Setting(role: $0[0], name: $0[1] ?? "", value: $0[2] ?? "") },
      grants: isPlain.scalar == "t"
        ? nil : grants.rows.map { Grant(role: $0[0], privilege: $0[1] ?? "", isGrantable: $0[2] == "t") })
  }

  /// The statements that give the same to the new database `name` of `owner`.
  package func statements(for name: String, owner: String) -> [String] {
    let database = SQLText.name(name)
    var statements = settings.map { setting in
      let who = setting.role.map { "ROLE \(SQLText.name($0)) IN DATABASE \(database)" } ?? "DATABASE \(database)"
      return "ALTER \(who) SET \(SQLText.name(setting.name)) TO \(Self.value(of: setting))"
    }
    guard let grants else { return statements }
    statements += ["REVOKE ALL ON DATABASE \(database) FROM PUBLIC, \(SQLText.name(owner))"]
    statements += grants.map { grant in
      let who = grant.role.map(SQLText.name) ?? "PUBLIC"
      return "GRANT \(grant.privilege) ON DATABASE \(database) TO \(who)"
        + (grant.isGrantable ? " WITH GRANT OPTION" : "")
    }
    return statements
  }

  /// Settings whose value is a list of quoted names (`variable_is_guc_list_quote` in pg_dump's `dumputils.c`): a name is
  /// an item of its own for SET.
  private static let lists: Set = [
    "local_preload_libraries", "search_path", "session_preload_libraries", "shared_preload_libraries",
    "temp_tablespaces", "unix_socket_directories",
  ]

  private static func value(of setting: Setting) -> String {
    guard lists.contains(setting.name.lowercased()) else { return SQLText.string(setting.value) }
    return names(in: setting.value).map(SQLText.string).joined(separator: ", ")
  }

  /// The names of a list such as `"$user", public`.
  private static func names(in list: String) -> [String] {
    var names: [String] = []
    var name = ""
    var isQuoted = false
    for character in list {
      switch character {
      case "\"":
        // Two of them inside of quotes are one.
        if !isQuoted, name.hasSuffix("\u{0}") {
          name = String(name.dropLast()) + "\""
        } else if isQuoted {
          name.append("\u{0}")
        }
        isQuoted.toggle()
      case "," where !isQuoted:
        names.append(name)
        name = ""
      case " " where !isQuoted: break
      default: name.append(character)
      }
    }
    return (names + [name]).map { $0.replacing("\u{0}", with: "") }
  }
}
