/// What went wrong between us and a PostgreSQL server: what was done, what the server or libpq said, what to do next.
///
/// It never holds a password: libpq's messages don't, and we add none.
public struct PostgresError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kind of failure. Raw values are stable: they become reasons of conditions and events.
  public enum Code: String, Sendable, Codable, CaseIterable {
    // Getting in.
    case hostUnknown = "HostUnknown"
    case unreachable = "ServerUnreachable"
    case connectTimeout = "ConnectTimeout"
    case authenticationFailed = "AuthenticationFailed"
    case notAuthorized = "NotAuthorized"
    case databaseMissing = "DatabaseMissing"
    case tlsUntrusted = "TLSUntrusted"
    case tlsUnavailable = "TLSUnavailable"
    case serverNotReady = "ServerNotReady"
    case tooManyConnections = "TooManyConnections"
    case replicationUnavailable = "ReplicationUnavailable"
    // Staying in.
    case connectionLost = "ConnectionLost"
    case connectionClosed = "ConnectionClosed"
    case protocolViolation = "ProtocolViolation"
    // Statements and commands.
    case statementFailed = "StatementFailed"
    case slotMissing = "SlotMissing"
    case slotExists = "SlotExists"
    case slotInUse = "SlotInUse"
    case slotUnusable = "SlotUnusable"
    case slotsExhausted = "SlotsExhausted"
    case walRemoved = "WALRemoved"
    // What a server must be.
    case versionUnsupported = "VersionUnsupported"
    case walLevelTooLow = "WALLevelTooLow"
    case systemMismatch = "SystemMismatch"
    case timelineChanged = "TimelineChanged"
    case tablespaceCreated = "TablespaceCreated"
    // What arrives.
    case pageCorrupted = "PageCorrupted"
    case backupIncomplete = "BackupIncomplete"
    case backupCorrupted = "BackupCorrupted"
  }

  /// The kind of failure.
  public let code: Code
  /// What went wrong, with the file, the role or the address concerned.
  public let message: String
  /// The server's SQLSTATE, when it was the server that refused.
  public let sqlState: String?
  /// The server's DETAIL.
  public let detail: String?
  /// What to do next: the server's HINT, or ours.
  public let hint: String?

  public init(
    _ code: Code, _ message: String, sqlState: String? = nil, detail: String? = nil, hint: String? = nil
  ) {
    (self.code, self.message, self.sqlState, self.detail, self.hint) = (code, message, sqlState, detail, hint)
  }

  /// The message, then SQLSTATE, detail and hint where there are any.
  public var description: String {
    var text = message
    if let sqlState { text += " (SQLSTATE \(sqlState))" }
    if let detail { text += ". \(detail)" }
    if let hint { text += ". \(hint)" }
    return text
  }

  /// Whether the same thing may well succeed a little later, with nobody changing anything.
  public var isTransient: Bool {
    switch code {
    case .unreachable, .connectTimeout, .serverNotReady, .tooManyConnections, .connectionLost, .slotInUse,
      .slotsExhausted, .timelineChanged, .tablespaceCreated, .hostUnknown:
      true
    default: false
    }
  }
}
