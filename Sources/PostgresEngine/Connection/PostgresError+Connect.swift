extension PostgresError {
  /// A connection attempt that failed, from libpq's text.
  ///
  /// libpq keeps the SQLSTATE of a refused connection to itself, except in the text, and there only where the
  /// connection was made verbose (`FATAL:  28P01: password authentication failed …`, then a `LOCATION:` line).
  init(connecting settings: PostgresConnectionSettings, text: String) {
    let lines = text.split(whereSeparator: \.isNewline).map { String($0).trimmed }
      .filter { !$0.isEmpty && !$0.hasPrefix("LOCATION:") && !$0.hasPrefix("Is the server running") }
    let states = lines.compactMap(Self.sqlState(in:))
    let message = lines.joined(separator: "; ")
    let (code, hint) = Self.classify(settings, message: message, sqlState: states.last)
    self.init(
      code, "cannot connect to PostgreSQL at \(settings.endpoint) as \(settings.user): \(message)",
      sqlState: states.last, hint: hint)
  }

  /// `28P01` of `…: FATAL:  28P01: password …`.
  private static func sqlState(in line: String) -> String? {
    line.split(separator: ":").lazy.map { String($0).trimmed }.first { word in
      word.utf8.count == 5 && word.utf8.first.map { (48...57).contains($0) || $0 == 0x58 } == true
        && word.utf8.allSatisfy { (48...57).contains($0) || (65...90).contains($0) }
    }
  }

  private static func classify(
    _ settings: PostgresConnectionSettings, message: String, sqlState: String?
  ) -> (Code, hint: String) {
    switch sqlState {
    case "28P01":
      return (.authenticationFailed, "Check the user name and the password in the connection's Secret")
    case "28000" where message.contains("pg_hba.conf"):
      return (
        .notAuthorized,
        "Add a line for this role and address to pg_hba.conf; base backups and WAL need "
          + "one for the database named replication"
      )
    case "28000":
      return (.authenticationFailed, "Check that the role exists and may log in")
    case "3D000":
      return (.databaseMissing, "Name a database that exists in connection.database")
    case "42501":
      return (.notAuthorized, "Give the role the REPLICATION attribute: ALTER ROLE \(settings.user) REPLICATION")
    case "53300" where message.contains("max_wal_senders") && message.contains("currently 0"):
      return (
        .replicationUnavailable,
        "Set wal_level = replica and max_wal_senders to at least 4, and restart the "
          + "server"
      )
    case "53300" where message.contains("max_wal_senders"):
      return (.tooManyConnections, "Raise max_wal_senders, or end a receiver that nothing needs")
    case "53300":
      return (.tooManyConnections, "Raise max_connections, or close idle connections")
    case "57P03":
      return (.serverNotReady, "Wait until the server has started")
    case "57P01", "57P02":
      return (.serverNotReady, "The server is shutting down; wait until it is back")
    case .some:
      return (.unreachable, "See the server's log")
    case nil:
      return classify(libpq: message)
    }
  }

  private static func classify(libpq message: String) -> (Code, hint: String) {
    if message.contains("could not translate host name") {
      return (.hostUnknown, "Check connection.host and the cluster's DNS")
    }
    if message.contains("does not support SSL") {
      return (.tlsUnavailable, "Set ssl = on at the server, or an sslMode that does without")
    }
    if message.contains("certificate verify failed") || message.contains("does not match host name")
      || message.contains("root certificate file")
    {
      return (
        .tlsUntrusted,
        "Give the authority that signed the server's certificate in connection.caSecretName, and "
          + "use the host name that the certificate carries"
      )
    }
    if message.contains("no password supplied") {
      return (.authenticationFailed, "The server asks for a password: give one in the connection's Secret")
    }
    if message.contains("session is read-only") || message.contains("session is not read-only")
      || message.contains("hot standby")
    {
      return (.notAuthorized, "The server has another role than target_session_attrs asks for")
    }
    return (.unreachable, "Check that the server runs, listens on this address, and that no firewall is between")
  }
}

extension String {
  /// Without white space at both ends.
  var trimmed: String {
    guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace })
    else { return "" }
    return String(self[first...last])
  }
}
