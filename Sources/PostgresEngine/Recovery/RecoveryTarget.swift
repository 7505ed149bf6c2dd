public import Repository

/// What a database is to be recovered to.
public enum RecoveryTarget: Sendable, Hashable, Codable {
  /// The state after every commit up to and at this time, by the server's clock.
  case time(PostgresTime)
  /// The state after the first record that begins at this position or behind it (PostgreSQL's `recovery_target_lsn`).
  case lsn(LSN)
  /// The state just after this transaction ended.
  case xid(UInt32)
  /// The state at the newest restore point of this name.
  case name(String)
  /// The state after the last stored commit.
  case latest
  /// The end of this base backup itself. Needs nothing but its snapshot: no archive of the log, and no incarnation that
  /// is known.
  case backup(SnapshotID)
}

extension RecoveryTarget: CustomStringConvertible {
  /// For messages.
  public var description: String {
    switch self {
    case .time(let time): "time \(time)"
    case .lsn(let lsn): "LSN \(lsn)"
    case .xid(let xid): "transaction \(xid)"
    case .name(let name): "restore point '\(name)'"
    case .latest: "latest"
    case .backup(let snapshot): "the end of base backup \(snapshot.short)"
    }
  }
}

/// Where replay stops, as PostgreSQL is told.
public enum RecoveryStop: Sendable, Hashable, Codable {
  /// After the last commit that is not later than this.
  case time(PostgresTime)
  /// After the first record that begins here or behind.
  case lsn(LSN)
  /// At the end of the stored WAL. Also the way to a target at or past the last commit, where PostgreSQL, told of the
  /// target, would end with 'recovery ended before configured recovery target was reached'.
  case endOfWAL
  /// As soon as the base backup is consistent, by the log inside its own snapshot (PostgreSQL's `immediate`).
  case consistency
}
