import KubeModel
import TidemarkAPI

/// Which base backups the kept part of a recovery window still needs.
///
/// A kept base backup and the log behind it reach up to the next gap, and no further: behind a gap, and on another
/// incarnation, recovery begins at a base backup that was taken there. So of each such stretch, from the oldest kept
/// base backup on, the first base backup stays.
struct RecoveryNeeds {
  private let gaps: [RecoveryGapStatus]
  /// Whether there is a window at all.
  private let isArchived: Bool

  /// What the window of `database` needs in the destination of this name, which is nothing where the target is no
  /// Database; nil where that can't be told yet.
  init?(_ database: Database?, destinationName: String) {
    guard let database else {
      (isArchived, gaps) = (false, [])
      return
    }
    isArchived = database.archives && database.spec.pitr?.destinationName == destinationName
    guard isArchived else {
      gaps = []
      return
    }
    guard let window = database.status?.recoveryWindow else { return nil }
    gaps = window.gaps ?? []
  }

  /// A stretch of log without a hole.
  private struct Stretch: Hashable {
    var incarnation: String
    /// How many gaps lie before it.
    var gapsBefore: Int
  }

  /// The uids of `stays` and of those that must stay with them. `backups` are all Completed ones of the Database there.
  func extended(_ stays: Set<String>, among backups: [Backup]) -> Set<String> {
    guard isArchived else { return stays }
    let bases = backups.compactMap { backup in
      backup.status?.postgres.flatMap { facts in backup.metadata.uid.map { (uid: $0, facts: facts) } }
    }.sorted { ($0.facts.stopTime, $0.uid) < ($1.facts.stopTime, $1.uid) }
    guard let oldest = bases.firstIndex(where: { stays.contains($0.uid) }) else { return stays }
    var (stays, begun) = (stays, Set<Stretch>())
    for base in bases[oldest...] {
      let isFirst = begun.insert(stretch(of: base.facts)).inserted
      if isFirst || liesBehindOpenGap(base.facts) { stays.insert(base.uid) }
    }
    return stays
  }

  /// A gap ends with the base backup that was taken behind it.
  private func stretch(of facts: PostgresBackupStatus) -> Stretch {
    Stretch(
      incarnation: facts.incarnation,
      gapsBefore: gaps.count { gap in gap.to.map { $0 <= facts.stopTime } ?? false })
  }

  /// Whether it may be the one that ends a gap, which the window does not know yet.
  private func liesBehindOpenGap(_ facts: PostgresBackupStatus) -> Bool {
    gaps.contains { $0.to == nil && $0.from < facts.stopTime }
  }
}
