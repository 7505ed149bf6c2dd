import KubeModel
import TidemarkAPI

extension BackupObservation {
  /// Why what is to be backed up can't be now; nil when it can.
  var targetObstacle: Health? {
    let target = backup.spec.target
    if target.database != nil, database == nil {
      return .progressing(reason: Reason.databaseNotFound, message: "\(target.text) is not there; create it")
    }
    if target.bucket != nil { return bucket.obstacle(called: target.bucket ?? "") }
    guard target.application != nil else { return nil }
    guard let application else {
      return .progressing(
        reason: Reason.applicationNotFound, message: "\(target.text) is not there; create it, or mend its name")
    }
    switch application.wanted(backup.spec.volumes?.claims, of: target.text) {
    case .failure(let missing): return missing.health
    case .success: break
    }
    guard application.scaledDownFor == nil || application.scaledDownFor == backup.metadata.uid else {
      return .progressing(
        reason: Reason.waiting, message: "\(target.text) is scaled down for another Backup or RestoreRequest")
    }
    return nil
  }
}

extension Bucket? {
  /// Why nothing can be read from or written to the Bucket called `name`; nil when it can.
  func obstacle(called name: String) -> Health? {
    guard let bucket = self, !bucket.metadata.isDeleting else {
      return .progressing(
        reason: Reason.bucketResourceNotFound, message: "Bucket \(name) is not there; create it")
    }
    guard bucket.status?.conditions?.isTrue(ConditionType.ready) == true else {
      let why = bucket.status?.conditions?[type: ConditionType.ready]?.message ?? "it was not looked at yet"
      return .progressing(reason: Reason.bucketNotReady, message: "Bucket \(name) is not Ready: \(why)")
    }
    return nil
  }
}

extension BackupMethod {
  /// In words, for events.
  var text: String {
    switch self {
    case .physical: "base backup"
    case .logical: "dump"
    case .files: "backup of files"
    }
  }
}

extension BackupObservation {
  /// Whether its application is scaled down while it is at work.
  var scalesDown: Bool { backup.subject.volumes?.quiesce == .scaleDown && backup.subject.target.application != nil }

  /// Whether the application is scaled down for it, as was seen before its step began.
  var isScaledDown: Bool { backup.metadata.uid != nil && application?.scaledDownFor == backup.metadata.uid }

  /// What has to be done, or waited for, until the application is still; nil where it is, or need not be.
  var unrest: (health: Health, scalesDown: Bool)? {
    guard scalesDown, let application else { return nil }
    switch application.stillness(for: backup.metadata.uid) {
    case .still: return nil
    case .running:
      return (.progressing(reason: Reason.scaling, message: "the application is being scaled down"), true)
    case .ending(let pods):
      return (
        .progressing(reason: Reason.scaling, message: "\(pods) pods of the application have not ended yet"), false
      )
    }
  }
}

extension BackupPlan {
  /// Gives an application that was scaled down its replicas back where it need not be still any more, or where nothing
  /// will come of the Backup: what is final is not looked at again. False where neither is so.
  mutating func givesReplicasBack(_ health: Health?, _ seen: BackupObservation) -> Bool {
    guard seen.isScaledDown else { return false }
    if case .stalled? = health {} else if seen.scalesDown { return false }
    wait(for: .progressing(reason: Reason.scaling, message: "the application gets its replicas back"), seen)
    actions = [.scaleUp]
    return true
  }

  /// Says whether all files or objects are in the backup as they were at some moment.
  mutating func reportConsistency(_ found: FileInconsistencies, _ seen: BackupObservation) {
    let vanished = found.vanished == 0 ? "" : "; \(found.vanished) were deleted meanwhile, and are not in it"
    var conditions = status.conditions ?? []
    let generation = seen.backup.metadata.generation
    guard found.changed > 0 else {
      conditions.set(
        ConditionType.consistent, .true, reason: Reason.consistent,
        message: "each file was still while it was read\(vanished)", observedGeneration: generation, now: seen.now)
      status.conditions = conditions
      return
    }
    let names = found.names.joined(separator: ", ")
    let message =
      "\(found.changed) never held still or could not be read\(vanished): \(names)"
      + (found.changed > found.names.count ? ", …" : "")
    conditions.set(
      ConditionType.consistent, .false, reason: Reason.filesChanged, message: message,
      observedGeneration: generation, now: seen.now)
    status.conditions = conditions
    events.append(.warning(Reason.filesChanged, message))
  }
}
