/// A record of the write-ahead log that matters to recovery.
public struct WALRecord: Hashable, Sendable {
  /// What a record says.
  public enum Kind: Hashable, Sendable {
    /// A transaction was committed. `xid` is what `recovery_target_xid` compares with: for COMMIT PREPARED, the
    /// prepared transaction's.
    case commit(xid: UInt32, time: PostgresTime)
    /// A transaction was rolled back; recovery to a time may stop here too.
    case abort(xid: UInt32, time: PostgresTime)
    /// `pg_create_restore_point(name)`.
    case restorePoint(name: String, time: PostgresTime)
    /// A checkpoint; replay from it would begin at `redo`.
    case checkpoint(redo: LSN, timeline: TimelineID)
    /// The server was started with other settings of those that a recovery must not go below.
    case parameters(RequiredParameters)
    /// CREATE TABLESPACE: replay makes a link to `path`, or a directory in its place where `path` is empty.
    case tablespace(oid: UInt32, path: String)
    /// `pg_switch_wal()`: the rest of the segment is padding.
    case segmentSwitch
  }

  /// Where the record begins.
  public let start: LSN
  /// The position after its last byte, without padding. Recovery `recovery_target_lsn` to here includes it.
  public let end: LSN
  /// What it says.
  public let kind: Kind

  /// A record from `start` to `end`.
  public init(start: LSN, end: LSN, kind: Kind) {
    (self.start, self.end, self.kind) = (start, end, kind)
  }
}

/// The write-ahead log could not be read as one.
public struct WALFormatError: Error, Hashable, CustomStringConvertible {
  /// Where reading failed.
  public let lsn: LSN
  /// What was found there, and what was expected.
  public let reason: String

  /// Stable, for conditions and logs.
  public let code = "WALFormat"

  /// A message with the position in it.
  public var description: String {
    "WAL at \(lsn) is not readable: \(reason). The bytes come from another server or version, or were damaged on the "
      + "way; compare with pg_waldump on the server, and take a new base backup if the server's own WAL is damaged."
  }
}
