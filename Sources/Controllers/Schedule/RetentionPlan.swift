package import KubeModel
package import TidemarkAPI

/// What retention has to look at.
package struct RetentionObservation: Sendable {
  package var schedule: BackupSchedule
  /// The Backups that the schedule made.
  package var backups: [Backup]
  /// All Backups of its target, its own among them.
  package var siblings: [Backup]
  package var database: Database?
  /// The names of Backups that a RestoreRequest is about to read, or reads.
  package var inUse: Set<String>
  package var now: Timestamp

  /// What was seen.
  package init(
    schedule: BackupSchedule, backups: [Backup], siblings: [Backup], database: Database?, inUse: Set<String> = [],
    now: Timestamp
  ) {
    (self.schedule, self.backups, self.siblings) = (schedule, backups, siblings)
    (self.database, self.inUse, self.now) = (database, inUse, now)
  }
}

/// Which Backups of a schedule go, as its retention says, and as what is still needed allows.
///
/// What it made for another target or destination, before its spec was changed, is left alone. Nothing goes while the
/// Database, or the recovery window of one that is archived, is not known: nobody could say then what is needed.
package struct RetentionPlan: Equatable, Sendable {
  /// A removal that waits for a person.
  package struct Held: Equatable, Sendable {
    /// What the annotation must say to let it go on.
    package var value: String
    package var message: String

    /// A removal that waits for `value`.
    package init(value: String, message: String) { (self.value, self.message) = (value, message) }
  }

  /// The Backups that go.
  package var removals: [BackupIdentity] = []
  /// Why nothing goes.
  package var held: Held?

  /// How many of a target's backups a run removes at least before anybody is asked.
  package static let heldFrom = 3
  /// How many Failed Backups stay to be looked at. They hold no snapshot, and no rule counts them.
  package static let failuresKept = 3
  /// How many Backups one run deletes at most; the next one goes on.
  package static let bound = 100

  package static func make(_ seen: RetentionObservation) -> RetentionPlan {
    var plan = RetentionPlan()
    let spec = seen.schedule.spec
    guard let policy = spec.retention, !policy.isEmpty, let wall = WallClock(named: spec.timeZone),
      spec.target.database == nil || seen.database != nil
    else { return plan }
    let subject = BackupSubject(spec.backupSpec)
    let own = seen.backups.filter { $0.subject == subject && !$0.metadata.isDeleting }
    plan.removals = failures(among: own).map { BackupIdentity($0) }

    let completed = own.filter { $0.status?.phase == .completed }
    guard let needed = RecoveryNeeds(seen.database, destinationName: spec.destinationName) else { return plan }
    var kept = policy.keeps(completed.map(\.moment), on: wall, now: seen.now)
    if let newest = completed.indices.max(by: { completed[$0].ended < completed[$1].ended }) { kept[newest] = true }
    for (index, backup) in completed.enumerated() where seen.inUse.contains(backup.metadata.name ?? "") {
      kept[index] = true
    }
    var stays = Set(completed.indices.filter { kept[$0] }.compactMap { completed[$0].metadata.uid })
    let mine = Set(completed.compactMap(\.metadata.uid))
    let bases = seen.siblings.filter {
      $0.status?.phase == .completed && $0.subject.destinationName == spec.destinationName && !$0.metadata.isDeleting
    }
    // What others made is not this schedule's to remove.
    stays.formUnion(bases.compactMap(\.metadata.uid).filter { !mine.contains($0) })
    stays = needed.extended(stays, among: bases)
    let superfluous = completed.filter { !stays.contains($0.metadata.uid ?? "") }.sorted { $0.ended < $1.ended }
    plan.remove(superfluous, of: completed.count, seen)
    plan.removals = Array(plan.removals.prefix(bound))
    return plan
  }

  /// All but the newest of those that Failed.
  private static func failures(among backups: [Backup]) -> [Backup] {
    let failed = backups.filter { $0.status?.phase == .failed }.sorted { $0.ended > $1.ended }
    return Array(failed.dropFirst(failuresKept))
  }

  /// Removes these, the oldest first in the list, unless they are too many to go unasked.
  private mutating func remove(_ superfluous: [Backup], of total: Int, _ seen: RetentionObservation) {
    guard let oldest = superfluous.first else { return }
    guard superfluous.count >= Self.heldFrom, superfluous.count * 2 > total else {
      removals += superfluous.map { BackupIdentity($0) }
      return
    }
    // Holds for this policy and for what is the oldest now: it can't be used a second time.
    let digest = String(
      StableHash.of("\(seen.schedule.spec.retention?.text ?? "") \(oldest.metadata.uid ?? "")") & 0xffff_ffff, radix: 16
    )
    if let approved = seen.schedule.approval, approved.digest == digest {
      // The oldest of them last, so that a crash on the way leaves the approval valid for the rest.
      removals += superfluous.prefix(approved.count).reversed().map { BackupIdentity($0) }
      return
    }
    let value = "\(superfluous.count)-\(digest)"
    let name = seen.schedule.metadata.name ?? ""
    held = Held(
      value: value,
      message:
        "retention would remove \(superfluous.count) of \(total) backups at once, and waits; look whether that is "
        + "meant, then let it: kubectl annotate --overwrite backupschedule/\(name) "
        + "\(TidemarkAnnotation.approveRetention)=\(value)")
  }
}

extension BackupSchedule {
  /// What a person has approved: so many removals, of what the digest stands for.
  fileprivate var approval: (count: Int, digest: String)? {
    let parts = (metadata.annotations[TidemarkAnnotation.approveRetention] ?? "").split(separator: "-")
    guard parts.count == 2, let count = Int(parts[0]), count > 0 else { return nil }
    return (count, String(parts[1]))
  }
}

extension RetentionPolicy {
  /// The rules in one line.
  fileprivate var text: String {
    let counts = [count, hourly, daily, weekly, monthly, yearly].map { "\($0 ?? 0)" }
    return counts.joined(separator: ",") + ",\(within.map { "\($0)" } ?? "0")"
  }
}

extension Backup {
  /// The time by which retention counts it: that of its slot, which no delay moves into the next day.
  var moment: Timestamp { slot ?? status?.startedAt ?? metadata.creationTimestamp ?? ended }

  /// When it completed or failed; long ago where that is not known.
  var ended: Timestamp { status?.completedAt ?? Timestamp(secondsSince1970: 0) }
}
