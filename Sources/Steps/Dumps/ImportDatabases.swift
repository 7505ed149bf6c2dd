import KubeModel
import Logging
import PostgresEngine
import TidemarkAPI

/// The databases of an import at their server: the one that is loaded, and the one whose name it takes.
///
/// Whether an import is done stands at the server itself: the loaded database's comment names the RestoreRequest. The
/// comment is written before the database takes its name, and the names change in one transaction, so that whoever
/// comes after a crash finds either nothing done or all of it.
struct ImportDatabases {
  let names: ImportNames
  let request: ServedResource
  /// The server, through a database that no import renames.
  let connection: SQLConnection
  private let settings: PostgresConnectionSettings

  /// Connects to the server of `settings` and calls `body`.
  static func with<Value: Sendable>(
    _ names: ImportNames, for request: ServedResource, at settings: PostgresConnectionSettings,
    _ body: (ImportDatabases) async throws -> Value
  ) async throws -> Value {
    guard !["template0", "template1"].contains(names.database) else {
      throw StepError(
        code: .invalidInput,
        message: "no dump is loaded into \(names.database), which new databases are made of; set spec.databaseName")
    }
    let settings = try await maintenance(settings, otherThan: names.database)
    return try await SQLConnection.with(settings) { connection in
      try await connection.execute("SET statement_timeout = 0; SET lock_timeout = 0")
      return try await body(
        ImportDatabases(names: names, request: request, connection: connection, settings: settings))
    }
  }

  /// The same server through `postgres`, or through `template1` where that is not there or is the one to be renamed.
  private static func maintenance(
    _ settings: PostgresConnectionSettings, otherThan database: String
  ) async throws -> PostgresConnectionSettings {
    var settings = settings
    settings.database = "postgres"
    if database != "postgres" {
      do {
        try await SQLConnection.connect(settings).close()
        return settings
      } catch let error as PostgresError where error.code == .databaseMissing {}
    }
    settings.database = "template1"
    return settings
  }

  // MARK: Before

  /// Throws where the role may not do what an import does.
  func requireRights() async throws {
    let row = try await connection.query(
      """
      SELECT current_user, rolsuper, rolcreatedb, (
        SELECT pg_has_role(current_user, datdba, 'USAGE') FROM pg_database WHERE datname = $1
      ) FROM pg_roles WHERE rolname = current_user
      """, [names.database]
    ).rows.first
    guard row?["rolsuper"] != "t" else { return }
    let role = row?[0] ?? settings.user
    guard row?["rolcreatedb"] == "t" else {
      throw Self.notPermitted("role \(role) may not create databases", "grant it: ALTER ROLE \(role) CREATEDB")
    }
    guard row?[3] != "f" else {
      throw Self.notPermitted(
        "role \(role) does not own database \(names.database), and may not rename it", "make it a member of the owner")
    }
    let settings = try await DatabaseSettings.read(names.database, by: connection).settings
    if let other = settings.compactMap(\.role).first(where: { $0 != role }) {
      throw Self.notPermitted(
        "role \(other) has settings of its own in database \(names.database), and role \(role) may not give it the same "
          + "in another", "take them back: ALTER ROLE \(other) IN DATABASE \(names.database) RESET ALL")
    }
  }

  private static func notPermitted(_ what: String, _ remedy: String) -> StepError {
    StepError(
      code: .roleNotPermitted,
      message: "\(what), which loading a dump takes; \(remedy), or name a superuser's Secret in "
        + "spec.connection.adminSecretName of the Database")
  }

  /// What an earlier run completed, under whatever name; nil where none did.
  func finished() async throws -> LoadedDump? {
    let loaded = try await connection.query(
      """
      SELECT datname FROM pg_database
      WHERE right(shobj_description(oid, 'pg_database'), length($1)) = $1 AND right(datname, length($2)) <> $2
      """, [request.uid, ending]
    ).scalar
    guard let loaded else { return nil }
    let kept = ImportNames(database: loaded, uid: request.uid).kept
    return LoadedDump(database: loaded, keptAs: try await identifier(of: kept) == nil ? nil : kept)
  }

  /// Makes an empty database to load into, in place of what an earlier run left of one.
  func createTemporary() async throws {
    try await dropTemporary()
    let traits = try await DatabaseTraits.read(names.database, by: connection)
    try await connection.query(DatabaseTraits.creation(of: names.temporary, like: traits))
    try await connection.query(
      "COMMENT ON DATABASE \(SQLText.name(names.temporary)) IS \(SQLText.string(mark))")
  }

  /// Drops what was loaded for the request so far, whoever is connected to it. Nothing being there is success.
  func dropTemporary() async throws {
    let left = try await connection.query(
      "SELECT datname FROM pg_database WHERE right(datname, length($1)) = $1", [ending])
    for name in left.rows.compactMap({ $0[0] }) {
      try await connection.query("DROP DATABASE IF EXISTS \(SQLText.name(name)) WITH (FORCE)")
    }
  }

  private var ending: String { ImportNames.temporaryEnding(uid: request.uid) }

  private var mark: String {
    "loaded by Tidemark for RestoreRequest \(request.namespace)/\(request.name) \(request.uid)"
  }

  /// The number that a database keeps whatever it is called; nil where there is none.
  private func identifier(of database: String) async throws -> String? {
    try await connection.query("SELECT oid FROM pg_database WHERE datname = $1", [database]).scalar
  }

  // MARK: The change of names

  /// How often the change of names is tried; PostgreSQL waits 5 s for sessions each time.
  private static let attempts = 3

  /// Gives the loaded database its name, and keeps the one that had it. Sessions in either are ended.
  ///
  /// One transaction renames both. While it waits for the sessions to be gone, it holds the database's lock, so that new
  /// ones wait in turn, and then are told that the database is not there, or find the new one at their next try. Nothing
  /// is to be put right after a crash: without the commit all is as it was.
  func takeName() async throws -> LoadedDump {
    let old = try await identifier(of: names.database)
    for attempt in 1... {
      do {
        try await renameWhileEndingSessions(of: old)
        return LoadedDump(database: names.database, keptAs: old == nil ? nil : names.kept)
      } catch let error as PostgresError where error.sqlState == "55006" {
        guard attempt < Self.attempts else { throw Self.inUse(names.database, error) }
      }
    }
    preconditionFailure("the loop above ends by returning or throwing")
  }

  private func renameWhileEndingSessions(of old: String?) async throws {
    try await SQLConnection.with(settings) { ender in
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await Self.endSessions(of: old, and: names.temporary, by: ender) }
        defer { group.cancelAll() }
        try await rename(keeps: old != nil)
      }
    }
  }

  private func rename(keeps: Bool) async throws {
    let (final, temporary) = (SQLText.name(names.database), SQLText.name(names.temporary))
    let inherited = try await inheritance()
    try await connection.query("BEGIN")
    do {
      for statement in inherited { try await connection.query(statement) }
      if keeps { try await connection.query("ALTER DATABASE \(final) RENAME TO \(SQLText.name(names.kept))") }
      try await connection.query("ALTER DATABASE \(temporary) RENAME TO \(final)")
      try await connection.query("COMMIT")
    } catch {
      // Where the connection itself is gone, so is the transaction.
      _ = try? await connection.query("ROLLBACK")
      throw error
    }
  }

  /// The statements that give the loaded database what people gave the one whose name it takes.
  private func inheritance() async throws -> [String] {
    guard let traits = try await DatabaseTraits.read(names.database, by: connection) else { return [] }
    let limit = "ALTER DATABASE \(SQLText.name(names.temporary)) CONNECTION LIMIT \(traits.connectionLimit)"
    let settings = try await DatabaseSettings.read(names.database, by: connection)
    return [limit] + settings.statements(for: names.temporary, owner: traits.owner)
  }

  /// Ends every session of the old database, which is known by its number, and of the temporary one, by its name, again
  /// and again until it is cancelled: clients reconnect. Those that find the new one are left alone.
  private static func endSessions(
    of old: String?, and temporary: String, by connection: SQLConnection
  ) async throws {
    while !Task.isCancelled {
      try await connection.query(
        """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE (datid = $1::oid OR datname = $2) AND pid <> pg_backend_pid()
        """, [old, temporary])
      try await Task.sleep(for: .milliseconds(100))
    }
  }

  private static func inUse(_ database: String, _ error: PostgresError) -> StepError {
    StepError(
      code: .databaseInUse,
      message: "sessions or prepared transactions do not leave database \(database), so it keeps its name: "
        + "\(error.message). End them, and look at pg_prepared_xacts")
  }
}
