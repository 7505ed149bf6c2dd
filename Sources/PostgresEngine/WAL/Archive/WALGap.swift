/// A stretch of the log that the archive will never have: plain JSON, written once, when it was noticed.
public struct WALGap: Sendable, Hashable, Codable {
  /// Why the WAL is missing.
  public enum Reason: String, Sendable, Codable {
    /// The replication slot did not exist any more, and the server had removed WAL meanwhile.
    case slotMissing = "SlotMissing"
    /// The server had invalidated the slot (`max_slot_wal_keep_size`).
    case slotInvalidated = "SlotInvalidated"
    /// The server had removed WAL in spite of the slot.
    case walRemoved = "WALRemoved"
    /// The server follows a timeline that did not begin in what the archive holds.
    case timelineUnrelated = "TimelineUnrelated"
    /// A segment is not in the archive, though it should be. Never stored: seen when the archive is listed.
    case segmentMissing = "SegmentMissing"
  }

  /// The version of this format.
  public var version = 1
  /// The timeline on which the archive ends before the gap.
  public var fromTimeline: TimelineID
  /// Where the archive ends before the gap.
  public var from: LSN
  /// The timeline on which it goes on.
  public var toTimeline: TimelineID
  /// Where it goes on.
  public var to: LSN
  /// The last commit before the gap, by the server's clock; nil when there was none.
  public var lastCommitTime: PostgresTime?
  /// Why.
  public var reason: Reason
  /// What the server said.
  public var message: String
  /// When it was noticed, by the receiver's clock.
  public var detectedAt: PostgresTime

  /// A gap from one position to another.
  public init(
    fromTimeline: TimelineID, from: LSN, toTimeline: TimelineID, to: LSN, lastCommitTime: PostgresTime?,
    reason: Reason, message: String, detectedAt: PostgresTime
  ) {
    (self.fromTimeline, self.from, self.toTimeline, self.to) = (fromTimeline, from, toTimeline, to)
    (self.lastCommitTime, self.reason, self.message) = (lastCommitTime, reason, message)
    self.detectedAt = detectedAt
  }
}
