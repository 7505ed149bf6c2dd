public import KubeModel

/// A moment of a database: exactly one of time, lsn, xid, name and latest is set.
public struct PointInTime: Codable, Sendable, Equatable {
  /// Up to and with the last commit at or before this time.
  public var time: MicroTime?
  /// Up to and with the record at this LSN.
  public var lsn: String?
  /// Up to and with the commit of this transaction id.
  public var xid: String?
  /// The restore point of this name (`pg_create_restore_point`).
  public var name: String?
  /// The last stored commit; only `true` means something.
  public var latest: Bool?
  /// The incarnation to recover along; nil: the active one.
  public var incarnation: String?

  /// No moment yet; set exactly one of the fields.
  public init() {}
}

/// What a recovery is made of, found before anything is created.
public struct PreflightStatus: Codable, Sendable, Equatable {
  /// The restic snapshot of the base backup.
  public var baseBackup: String?
  /// The incarnations along which the log is read, the base backup's first.
  public var lineage: [String]?
  /// How many segments are replayed.
  public var walSegments: Int64?
  /// What is not in the store, each a segment's name.
  public var missing: [String]?

  /// What was found.
  public init(
    baseBackup: String? = nil, lineage: [String]? = nil, walSegments: Int64? = nil, missing: [String]? = nil
  ) {
    (self.baseBackup, self.lineage, self.walSegments, self.missing) = (baseBackup, lineage, walSegments, missing)
  }
}

/// The moment that a recovery reached.
public struct RecoveredTo: Codable, Sendable, Equatable {
  /// The time of the last replayed commit; nil where none was replayed.
  public var time: MicroTime?
  /// Where replay ended.
  public var lsn: String?
  /// The timeline that the promotion began.
  public var timeline: UInt32?

  /// The given moment.
  public init(time: MicroTime? = nil, lsn: String? = nil, timeline: UInt32? = nil) {
    (self.time, self.lsn, self.timeline) = (time, lsn, timeline)
  }
}
