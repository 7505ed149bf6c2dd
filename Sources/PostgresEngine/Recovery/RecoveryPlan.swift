/// How a target will be reached: what a preflight found. Plain JSON.
public struct RecoveryPlan: Sendable, Hashable, Codable {
  /// What was asked for.
  public var target: RecoveryTarget
  /// Where replay stops.
  public var stop: RecoveryStop
  /// The base backup to begin with.
  public var base: RecoveryBase
  /// The way of the log from the base backup on, to the timeline that recovery is pinned to.
  public var lineage: Lineage
  /// The first segment that is needed from the archive.
  public var firstSegment: String
  /// The last one.
  public var lastSegment: String
  /// How many segments are replayed from the archive.
  public var walSegments: Int
  /// Segments that are needed and are not there. Always empty in a plan that a preflight returned.
  public var missing: [String]
  /// The last commit that the recovered database will have, as far as that is known before replaying.
  public var lastCommit: CommitSummary.Point?
  /// Settings that the server had on the way, and that recovery must not go below; beside those of the base backup.
  public var parameters: RequiredParameters?
  /// What is other in the log that is replayed than in the archive; see `WALEdit`.
  public var edits: [WALEdit] = []

  /// PostgreSQL's settings for this plan, without quotes. Times are in UTC.
  public var settings: [(name: String, value: String)] {
    var settings = [("recovery_target_inclusive", "on"), ("recovery_target_action", "promote")]
    switch stop {
    case .consistency:
      // The base backup's own timeline, whose history file need not be in any archive.
      return settings + [("recovery_target_timeline", "current"), ("recovery_target", "immediate")]
    case .time(let time): settings.append(("recovery_target_time", time.setting))
    case .lsn(let lsn): settings.append(("recovery_target_lsn", lsn.description))
    case .endOfWAL: break
    }
    return settings + [("recovery_target_timeline", lineage.timeline.description)]
  }
}
