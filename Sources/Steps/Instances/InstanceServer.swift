import KubeModel
import PostgresEngine
import TidemarkAPI

/// Asks an instance's server and ends its recovery, whoever hosts it.
struct InstanceServer: Sendable {
  /// Where clients reach it.
  let endpoint: Endpoint
  /// The role that clients of Tidemark have there.
  let role: InstanceRole
  /// How Tidemark comes in as any role, without its password, into `template1`: databases that clients use may be
  /// closed.
  let entry: @Sendable (_ user: String) throws -> ServerEntry

  // MARK: Asking

  /// How far the server is. Throws ``PostgresError`` where it does not answer.
  func observe() async throws -> InstanceState {
    let row = try await asking(within: .seconds(3)) { try await $0.query(Self.progress).rows.first }
    guard row?[0] == "f" else { return .recovering(replayed: row?[1] ?? nil) }
    let reached = RecoveredTo(
      time: (row?[2]).flatMap { MicroTime($0) }, lsn: row?[1] ?? nil, timeline: (row?[3]).flatMap { UInt32($0) })
    return .running(RunningInstance(endpoint: endpoint, recoveredTo: reached))
  }

  private static let progress = """
    SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn(),
      to_char(pg_last_xact_replay_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
      CASE WHEN pg_is_in_recovery() THEN NULL
        ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint END
    """

  /// What keeps clients out of the server, as a superuser of it. Throws ``FailedServerProbe``.
  func fence() async throws -> Fence {
    do {
      return Fence(try await superuser())
    } catch let error as PostgresError {
      throw FailedServerProbe(reason: error.code.rawValue, message: error.description)
    }
  }

  private func superuser() async throws -> ServerEntry {
    let name = try await asking(within: .seconds(5)) { connection in
      try await connection.query(
        "SELECT rolname FROM pg_roles WHERE rolsuper AND rolcanlogin ORDER BY oid LIMIT 1"
      ).scalar
    }
    return try entry(name ?? role.username)
  }

  /// Runs `body` as the role; where that is not let in, as `postgres`, as the first superuser is called nearly
  /// everywhere. At the recovered moment the role may not have been there, and `template1` may be closed to it.
  private func asking<Value: Sendable>(
    within bound: Duration, _ body: (SQLConnection) async throws -> Value
  ) async throws -> Value {
    do {
      return try await entry(role.username).with(within: bound, body)
    } catch let refusal as PostgresError
      where [.authenticationFailed, .notAuthorized].contains(refusal.code) && role.username != "postgres"
    {
      do {
        return try await entry("postgres").with(within: bound, body)
      } catch is PostgresError {
        throw refusal
      }
    }
  }

  // MARK: The end of recovery

  /// Removes the settings of recovery, runs `alsoRunning`, a script of statements, opens what a switch had closed
  /// before the recovered moment, and makes the role's password work. Throws ``FailedServerProbe``.
  func endRecovery(alsoRunning script: String? = nil) async throws {
    do {
      let superuser = try await superuser()
      try await superuser.with(within: .seconds(5)) { try await Self.resetSettings($0, then: script) }
      try await Fence(superuser).open()
      try await makePasswordWork(superuser)
    } catch let error as PostgresError {
      throw FailedServerProbe(reason: error.code.rawValue, message: error.description)
    }
  }

  private static func resetSettings(_ connection: SQLConnection, then script: String?) async throws {
    for name in RecoverySettings.names { try await connection.execute("ALTER SYSTEM RESET \(name)") }
    try await connection.execute("SELECT pg_reload_conf()")
    if let script { try await connection.execute(script) }
  }

  /// The password that the role had at the recovered moment may be an older one than the Secret's.
  private func makePasswordWork(_ superuser: ServerEntry) async throws {
    let remote = ServerEntry(
      endpoint, database: role.database, sslMode: .prefer, user: role.username, password: role.password)
    do {
      try await remote.with(within: .seconds(5)) { _ in }
    } catch let error as PostgresError where error.code == .authenticationFailed {
      let quoted = role.username.replacing("\"", with: "\"\"")
      let password = role.password.replacing("'", with: "''").replacing("\\", with: "\\\\")
      try await superuser.with(within: .seconds(5)) { connection in
        try await connection.execute("SET log_statement = 'none'; SET log_min_error_statement = 'panic'")
        try await connection.query("ALTER ROLE \"\(quoted)\" PASSWORD E'\(password)'")
      }
    }
  }
}
