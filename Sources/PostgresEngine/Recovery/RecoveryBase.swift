/// What a recovery has to know of a base backup.
public struct RecoveryBase: Sendable, Hashable, Codable {
  /// The restic snapshot.
  public var snapshot: String
  /// The incarnation that was backed up.
  public var incarnation: IncarnationID
  /// The timeline that it was on.
  public var timeline: TimelineID
  /// Where replay begins.
  public var startLSN: LSN
  /// Where the restored directory becomes consistent.
  public var stopLSN: LSN
  /// When the backup ended.
  public var stopTime: PostgresTime
  /// The size of the cluster's WAL segments.
  public var segmentSize: WALSegmentSize
  /// The server that it was taken of; nil where that is not known.
  public var serverVersion: PostgresVersion?

  /// A base backup in the restic snapshot `snapshot`.
  public init(
    snapshot: String, incarnation: IncarnationID, timeline: TimelineID, startLSN: LSN, stopLSN: LSN,
    stopTime: PostgresTime, segmentSize: WALSegmentSize = .standard, serverVersion: PostgresVersion? = nil
  ) {
    (self.snapshot, self.incarnation, self.timeline) = (snapshot, incarnation, timeline)
    (self.startLSN, self.stopLSN, self.stopTime) = (startLSN, stopLSN, stopTime)
    (self.segmentSize, self.serverVersion) = (segmentSize, serverVersion)
  }
}

extension RecoveryBase {
  /// What a recovery has to know of a recorded base backup.
  public init(_ record: BaseBackupRecord) {
    self.init(
      snapshot: "\(record.snapshot)", incarnation: record.incarnation, timeline: record.timeline,
      startLSN: record.startLSN, stopLSN: record.stopLSN, stopTime: record.stopTime,
      segmentSize: record.walSegmentSize, serverVersion: record.serverVersion)
  }
}
