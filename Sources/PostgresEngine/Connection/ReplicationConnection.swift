/// A connection in PostgreSQL's replication mode, for physical replication.
///
/// One command at a time: a streaming command (``startReplication(slot:from:timeline:)``, a base backup) holds the
/// connection until it has ended. Cancelling a task that waits for a command cancels the command at the server.
/// Nothing blocks the cooperative threads: libpq has a thread of its own.
///
/// Source of the commands: PostgreSQL's documentation, "Streaming Replication Protocol".
public final class ReplicationConnection: Sendable {
  let thread: LibpqThread
  let wake: WakePipe
  let settings: PostgresConnectionSettings
  /// The server's version.
  public let serverVersion: PostgresVersion

  private init(_ thread: LibpqThread, _ settings: PostgresConnectionSettings, _ version: PostgresVersion) {
    (self.thread, self.wake, self.settings, self.serverVersion) = (thread, thread.wake, settings, version)
  }

  /// Connects as a walsender's client.
  ///
  /// Throws ``PostgresError``: besides what any connection may meet, `notAuthorized` where the role lacks REPLICATION,
  /// `replicationUnavailable` where the server runs with `wal_level = minimal`, `tooManyConnections` where all
  /// walsenders are taken, and `versionUnsupported` for servers other than 13 to 17.
  public static func connect(_ settings: PostgresConnectionSettings) async throws -> ReplicationConnection {
    let thread = try await LibpqThread.connect(settings, for: .replication)
    let version = try await thread.run { try $0.serverVersion() }
    guard PostgresVersion.supportedMajors.contains(version.major) else {
      await thread.close()
      throw PostgresError(
        .versionUnsupported,
        "the server at \(settings.endpoint) is PostgreSQL \(version); Tidemark speaks with 13 to 17",
        hint: "Upgrade the server to a supported major version")
    }
    return ReplicationConnection(thread, settings, version)
  }

  /// Ends the connection, whatever it is doing.
  public func close() async { await thread.close() }

  /// Runs one command that does not copy.
  func command(_ text: String, during operation: String) async throws -> SQLResult {
    try await thread.run { try $0.simple(text, during: operation).last ?? SQLResult() }
  }

  /// Starts a command that copies; what arrives is read from the channel, at most `readAhead` bytes of it unread.
  func stream(_ text: String, readAhead: Int, during operation: String) -> CommandChannel {
    let channel = CommandChannel(limit: readAhead, wake: wake)
    thread.start(channel) { session in session.stream(text, into: channel, during: operation) }
    return channel
  }
}

/// What IDENTIFY_SYSTEM tells.
public struct SystemIdentification: Sendable, Equatable {
  /// The cluster's system identifier.
  public let systemIdentifier: UInt64
  /// The timeline on which the server is.
  public let timeline: TimelineID
  /// How far the server's WAL is flushed.
  public let flushLSN: LSN
}

extension ReplicationConnection {
  /// IDENTIFY_SYSTEM.
  public func identifySystem() async throws -> SystemIdentification {
    let result = try await command("IDENTIFY_SYSTEM", during: "IDENTIFY_SYSTEM")
    guard let row = result.rows.first, let identifier = row["systemid"].flatMap({ UInt64($0) }),
      let timeline = row["timeline"].flatMap({ UInt32($0) }), let flush = row["xlogpos"].flatMap({ LSN($0) })
    else { throw Self.unexpected("IDENTIFY_SYSTEM", result) }
    return SystemIdentification(
      systemIdentifier: identifier, timeline: TimelineID(timeline), flushLSN: flush)
  }

  /// The value of a server setting, as SHOW writes it.
  public func show(_ parameter: String) async throws -> String {
    guard parameter.utf8.allSatisfy({ $0 == 0x5F || $0 == 0x2E || (48...57).contains($0) || (97...122).contains($0) })
    else { throw PostgresError(.statementFailed, "'\(parameter)' is not the name of a setting") }
    let result = try await command("SHOW \(parameter)", during: "SHOW \(parameter)")
    guard let value = result.scalar else { throw Self.unexpected("SHOW \(parameter)", result) }
    return value
  }

  /// The size of the server's WAL segments.
  public func walSegmentSize() async throws -> WALSegmentSize {
    let text = try await show("wal_segment_size")
    let digits = text.prefix { $0.isNumber }
    let unit: UInt64? =
      switch text.dropFirst(digits.count) {
      case "kB": 1 << 10
      case "MB": 1 << 20
      case "GB": 1 << 30
      case "", "B": 1
      default: nil
      }
    guard let unit, let count = UInt64(digits), let size = WALSegmentSize(bytes: count * unit) else {
      throw PostgresError(.protocolViolation, "wal_segment_size is '\(text)', which is no segment size")
    }
    return size
  }

  /// The history file of a timeline: which timelines it came from, and where it left each. Timeline 1 has none.
  public func timelineHistory(_ timeline: TimelineID) async throws -> TimelineHistoryFile {
    let result = try await command("TIMELINE_HISTORY \(timeline)", during: "TIMELINE_HISTORY")
    guard let row = result.rows.first, let name = row[0], let content = row[1] else {
      throw Self.unexpected("TIMELINE_HISTORY", result)
    }
    return TimelineHistoryFile(name: name, content: content)
  }

  static func unexpected(_ command: String, _ result: SQLResult) -> PostgresError {
    PostgresError(
      .protocolViolation, "\(command) answered with columns \(result.columns) and \(result.rows.count) rows",
      hint: "Check that the address is a PostgreSQL server's own, not a pooler's")
  }
}

/// A timeline history file, as the server keeps it in `pg_wal`.
public struct TimelineHistoryFile: Sendable, Equatable {
  /// `00000002.history`.
  public let name: String
  /// The file's text.
  public let content: String

  package init(name: String, content: String) { (self.name, self.content) = (name, content) }
}
