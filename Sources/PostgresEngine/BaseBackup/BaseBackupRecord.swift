public import Repository

/// What there is to know of a base backup besides its files. It stands in the snapshot's tags, so that the bucket alone
/// tells everything.
///
/// Tags, each `tidemark:<name>=<value>` (restic's tags have no commas, nor have these values):
///
/// | name | value |
/// |---|---|
/// | `kind` | `base-backup` |
/// | `incarnation` | the incarnation that was backed up |
/// | `timeline` | its timeline, decimal |
/// | `start-lsn`, `stop-lsn` | where recovery begins, and what it must reach: `0/2000028` |
/// | `start-time`, `stop-time` | RFC 3339, UTC, microseconds, by the server's clock |
/// | `system-identifier` | decimal |
/// | `server-version` | `15.20` |
/// | `wal-segment-bytes` | decimal |
/// | `logical-bytes` | bytes of all files |
/// | `added-bytes`, `stored-bytes` | what the snapshot added to the repository: bytes, and bytes as they are stored |
/// | `backup` | whose snapshot it is: the uid of the Backup |
///
/// The last three may be missing: earlier snapshots, and those that were taken for nobody, lack them.
public struct BaseBackupRecord: Sendable, Equatable {
  /// The snapshot.
  public var snapshot: SnapshotID
  /// The incarnation that was backed up.
  public var incarnation: IncarnationID
  /// The timeline on which the server was from beginning to end.
  public var timeline: TimelineID
  /// Where recovery from this backup begins: the redo point of its checkpoint.
  public var startLSN: LSN
  /// What recovery must reach before the data are consistent.
  public var stopLSN: LSN
  /// Before the backup began, by the server's clock.
  public var startTime: PostgresTime
  /// After the backup ended, by the server's clock: all that was committed later can be recovered to.
  public var stopTime: PostgresTime
  /// The system that was backed up.
  public var systemIdentifier: UInt64
  /// The server that took it.
  public var serverVersion: PostgresVersion
  /// The size of the cluster's WAL segments.
  public var walSegmentSize: WALSegmentSize
  /// Bytes of all files.
  public var logicalBytes: Int64
  /// Bytes that the repository did not have before; nil where that was not noted.
  public var addedBytes: Int64?
  /// What they took, compressed and sealed; nil where that was not noted.
  public var storedBytes: Int64?
  /// What the snapshot was taken for: the uid of a Backup; nil for nobody.
  public var backup: String?

  /// A record of these facts.
  public init(
    snapshot: SnapshotID, incarnation: IncarnationID, timeline: TimelineID, startLSN: LSN, stopLSN: LSN,
    startTime: PostgresTime, stopTime: PostgresTime, systemIdentifier: UInt64, serverVersion: PostgresVersion,
    walSegmentSize: WALSegmentSize, logicalBytes: Int64, addedBytes: Int64? = nil, storedBytes: Int64? = nil,
    backup: String? = nil
  ) {
    (self.snapshot, self.incarnation, self.timeline) = (snapshot, incarnation, timeline)
    (self.startLSN, self.stopLSN, self.startTime, self.stopTime) = (startLSN, stopLSN, startTime, stopTime)
    (self.systemIdentifier, self.serverVersion) = (systemIdentifier, serverVersion)
    (self.walSegmentSize, self.logicalBytes) = (walSegmentSize, logicalBytes)
    (self.addedBytes, self.storedBytes, self.backup) = (addedBytes, storedBytes, backup)
  }
}

extension BaseBackupRecord {
  private static let prefix = "tidemark:"
  private static let kind = "base-backup"

  /// Reads the tags; nil for a snapshot that is not a base backup of ours, or not a saved one.
  public init?(snapshot: Snapshot) {
    var values: [Substring: Substring] = [:]
    for tag in snapshot.tags where tag.hasPrefix(Self.prefix) {
      let parts = tag.dropFirst(Self.prefix.count).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2 { values[parts[0]] = parts[1] }
    }
    guard values["kind"] == Self.kind[...], let id = snapshot.id,
      let incarnation = values["incarnation"].flatMap({ IncarnationID($0) }),
      let timeline = values["timeline"].flatMap({ UInt32($0) }),
      let startLSN = values["start-lsn"].flatMap({ LSN($0) }), let stopLSN = values["stop-lsn"].flatMap({ LSN($0) }),
      let startTime = values["start-time"].flatMap({ PostgresTime($0) }),
      let stopTime = values["stop-time"].flatMap({ PostgresTime($0) }),
      let system = values["system-identifier"].flatMap({ UInt64($0) }),
      let version = values["server-version"].flatMap({ PostgresVersion($0) }),
      let segment = values["wal-segment-bytes"].flatMap({ UInt64($0) }).flatMap({ WALSegmentSize(bytes: $0) }),
      let bytes = values["logical-bytes"].flatMap({ Int64($0) })
    else { return nil }
    self.init(
      snapshot: id, incarnation: incarnation, timeline: TimelineID(timeline), startLSN: startLSN, stopLSN: stopLSN,
      startTime: startTime, stopTime: stopTime, systemIdentifier: system, serverVersion: version,
      walSegmentSize: segment, logicalBytes: bytes, addedBytes: values["added-bytes"].flatMap { Int64($0) },
      storedBytes: values["stored-bytes"].flatMap { Int64($0) }, backup: values["backup"].map { String($0) })
  }
}

/// A record whose snapshot is not saved yet.
struct BaseBackupDraft {
  var incarnation: IncarnationID
  var timeline: TimelineID
  var startLSN: LSN
  var stopLSN: LSN
  var startTime: PostgresTime
  var stopTime: PostgresTime
  var systemIdentifier: UInt64
  var serverVersion: PostgresVersion
  var walSegmentSize: WALSegmentSize
  var logicalBytes: Int64
  var backup: String?

  /// The snapshot's tags; `statistics` say what was written for it.
  func tags(_ statistics: BlobWriterStatistics) -> [String] {
    let tags = [
      "kind=base-backup", "incarnation=\(incarnation)", "timeline=\(timeline)", "start-lsn=\(startLSN)",
      "stop-lsn=\(stopLSN)", "start-time=\(startTime)", "stop-time=\(stopTime)",
      "system-identifier=\(systemIdentifier)", "server-version=\(serverVersion)",
      "wal-segment-bytes=\(walSegmentSize.bytes)", "logical-bytes=\(logicalBytes)",
      "added-bytes=\(statistics.bytesAdded)", "stored-bytes=\(statistics.bytesPacked)",
    ]
    return (tags + (backup.map { ["backup=\($0)"] } ?? [])).map { "tidemark:" + $0 }
  }
}
