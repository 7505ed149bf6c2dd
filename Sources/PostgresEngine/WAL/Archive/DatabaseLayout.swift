/// Where the parts of one database's backup lie, relative to the database's prefix in the bucket.
///
/// ```
/// repo/…                                                  restic repository, version 2
/// incarnations/<id>/incarnation.json                      plain JSON, see `Incarnation`
/// incarnations/<id>/wal/<TLI>/<segment>                   sealed: a whole segment
/// incarnations/<id>/wal/<TLI>/<segment>.<from>-<to>.partial   sealed: a part of a segment, see `PartialSegmentName`
/// incarnations/<id>/wal/<TLI>.history                     sealed: the server's history file
/// incarnations/<id>/commits/<TLI>/<segment>               sealed JSON, see `CommitSummary`
/// incarnations/<id>/gaps/<TLI>-<LSN>.json                 plain JSON, see `WALGap`
/// ```
///
/// `<TLI>` is a timeline in eight hexadecimal digits, `<segment>` a segment's file name in PostgreSQL, `<LSN>` sixteen
/// hexadecimal digits. 'Sealed' is the repository's envelope around a Zstandard frame (`WALEnvelope`). No object is
/// ever overwritten. Keys sort as the log runs.
public enum DatabaseLayout {
  /// Ends in a slash.
  public static let repository = "repo/"
  /// Ends in a slash.
  public static let incarnations = "incarnations/"

  /// The prefix of one incarnation; ends in a slash.
  public static func incarnation(_ id: IncarnationID) -> String { incarnations + id.text + "/" }

  /// Where an incarnation says what it is.
  public static func incarnationDocument(_ id: IncarnationID) -> String { incarnation(id) + "incarnation.json" }

  /// The prefix of the write-ahead log; ends in a slash.
  public static func wal(_ id: IncarnationID) -> String { incarnation(id) + "wal/" }

  /// The prefix of one timeline's segments; ends in a slash.
  public static func timeline(_ id: IncarnationID, _ timeline: TimelineID) -> String {
    wal(id) + timeline.hexadecimal + "/"
  }

  /// A whole segment.
  public static func segment(_ id: IncarnationID, _ name: WALSegmentName) -> String {
    timeline(id, name.timeline) + name.description
  }

  /// A part of a segment.
  public static func partial(_ id: IncarnationID, _ name: PartialSegmentName) -> String {
    timeline(id, name.segment.timeline) + name.description
  }

  /// A timeline's history file.
  public static func history(_ id: IncarnationID, _ timeline: TimelineID) -> String {
    wal(id) + timeline.hexadecimal + ".history"
  }

  /// The prefix of what was committed; ends in a slash.
  public static func commits(_ id: IncarnationID) -> String { incarnation(id) + "commits/" }

  /// What was committed in a segment.
  public static func commits(_ id: IncarnationID, _ name: WALSegmentName) -> String {
    commits(id) + name.timeline.hexadecimal + "/" + name.description
  }

  /// The prefix of the recorded gaps; ends in a slash.
  public static func gaps(_ id: IncarnationID) -> String { incarnation(id) + "gaps/" }

  /// A recorded gap, named by where it begins.
  public static func gap(_ id: IncarnationID, _ gap: WALGap) -> String {
    gaps(id) + gap.fromTimeline.hexadecimal + "-" + padded(gap.from.bytes >> 32) + padded(gap.from.bytes & 0xFFFF_FFFF)
      + ".json"
  }
}
