/// Where an archive ends.
public struct ArchiveEnd: Sendable, Hashable {
  /// The timeline of its last byte.
  public var timeline: TimelineID
  /// The position after its last byte.
  public var end: LSN

  /// An archive that ends there.
  public init(timeline: TimelineID, end: LSN) { (self.timeline, self.end) = (timeline, end) }
}

/// Where a receiver begins to stream: decided from what the archive holds and what the server says, without asking
/// either.
public enum WALStart: Sendable, Hashable {
  /// Right after the archive's last byte.
  case resume(TimelineID, at: LSN)
  /// With the first segment of a timeline that left the archive's before its end. What the archive has of the old
  /// timeline behind the fork is no part of this server's life, and stays.
  case fork(TimelineID, at: LSN)
  /// Somewhere else, since the server's log does not follow the archive's.
  case unrelated
  /// The archive is empty.
  case first
  /// The server's log ends before the archive's.
  case behind

  /// `history` is that of the server's timeline.
  public static func decide(
    archive: ArchiveEnd?, server: TimelineID, flushed: LSN, history: TimelineHistory
  ) -> WALStart {
    guard let archive else { return .first }
    if archive.timeline == server { return archive.end <= flushed ? .resume(server, at: archive.end) : .behind }
    guard archive.timeline < server else { return .behind }
    guard let fork = history.end(of: archive.timeline), let next = history.successor(of: archive.timeline)
    else { return .unrelated }
    return archive.end <= fork ? .resume(archive.timeline, at: archive.end) : .fork(next, at: fork)
  }
}
