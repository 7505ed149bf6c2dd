import KubeModel
import Steps
import TidemarkAPI

extension RestoreRequest {
  /// What files are restored to: the target, or what was backed up. Once it has begun, a change of the spec changes
  /// nothing.
  func filesTarget(_ backup: Backup?) -> BackupTarget? {
    if let begun = status?.filesTarget, status?.phase != .pending { return begun }
    return spec.target ?? backup?.subject.target
  }
}

extension FilesRestoreObservation {
  /// A snapshot, the claim that it is of, and the claim that it is restored into.
  struct Part: Equatable {
    var snapshot: FilesSnapshot
    var claim: String
    var place: String
  }

  /// Which claims are restored into others: as the spec says, or all of them for a copy.
  var mapping: [String: String] {
    if let name = request.spec.files?.newName, let original = backup?.subject.target.application {
      let claims = (backup?.status?.snapshots ?? []).compactMap(\.claim)
      return Dictionary(
        claims.map { ($0, WorkloadCopy.claim($0, of: original, for: name)) }
      ) { first, _ in first }
    }
    return Dictionary((request.spec.files?.newClaims ?? []).map { ($0.claim, $0.newClaim) }) { first, _ in first }
  }

  /// What is restored of an application's volumes. With `newClaims`, only those that are named there or that are the
  /// application's own.
  var parts: [Part] {
    let mapping = mapping
    return (backup?.status?.snapshots ?? []).compactMap { snapshot in
      guard let claim = snapshot.claim else { return nil }
      if !mapping.isEmpty, mapping[claim] == nil { return nil }
      return Part(snapshot: snapshot, claim: claim, place: mapping[claim] ?? claim)
    }
  }

  /// Where a part goes: a claim of the application, or a new one.
  func claim(_ name: String) -> ApplicationSight.Claim? {
    application?.claims.first { $0.name == name } ?? newClaims.first { $0.name == name }
  }

  /// Whether claims are written to that the application uses.
  var scalesDown: Bool {
    parts.contains { part in application?.claims.contains { $0.name == part.place } == true }
  }

  /// Why the step can't start now; nil when it can.
  var obstacle: Health? {
    let problems = request.spec.problems()
    guard problems.isEmpty else { return .stalled(reason: Reason.invalidSpec, message: problems.summary) }
    let name = request.spec.source.backupName ?? ""
    guard let backup else {
      return .progressing(reason: Reason.backupNotFound, message: "Backup \(name) is not there; create it")
    }
    switch backup.status?.phase {
    case .completed where backup.status?.snapshots?.isEmpty == false: break
    case .failed, .deleting, .completed:
      return .stalled(
        reason: Reason.backupNotCompleted, message: "Backup \(name) holds nothing to restore; choose another")
    case .pending, .running, nil:
      return .progressing(reason: Reason.backupNotCompleted, message: "Backup \(name) has not Completed yet")
    }
    if let health = destination.obstacle(called: backup.subject.destinationName) { return health }
    return backup.subject.target.bucket == nil ? volumesObstacle : bucketObstacle
  }

  private var bucketObstacle: Health? {
    guard let name = request.filesTarget(backup)?.bucket else {
      return .stalled(
        reason: Reason.invalidSpec, message: "the Backup is of a bucket; expected target.bucket, or no target at all")
    }
    guard request.spec.files?.newClaims?.isEmpty != false, request.spec.files?.newName == nil else {
      return .stalled(
        reason: Reason.invalidSpec, message: "files.newClaims and files.newName do not fit a bucket; leave them out")
    }
    return bucket.obstacle(called: name)
  }

  private var volumesObstacle: Health? {
    guard let target = request.filesTarget(backup), let reference = target.application else {
      return .stalled(
        reason: Reason.invalidSpec,
        message: "the Backup is of volumes; expected target.application, or no target at all")
    }
    let files = request.spec.files
    guard files?.keyPrefix == nil, files?.deleteOthers != true else {
      return .stalled(
        reason: Reason.invalidSpec, message: "files.keyPrefix and files.deleteOthers go with buckets; leave them out")
    }
    let unknown = (files?.newClaims ?? []).map(\.claim).filter { claim in !parts.contains { $0.claim == claim } }
    guard unknown.isEmpty else {
      return .stalled(
        reason: Reason.invalidSpec,
        message: "the Backup has no claim \(unknown.joined(separator: ", ")); it has "
          + (backup?.status?.snapshots ?? []).compactMap(\.claim).joined(separator: ", "))
    }
    if let name = files?.newName, copy == .foreign {
      return .stalled(
        reason: Reason.nameTaken, message: "a \(reference.kind) \(name) is there already; choose another files.newName")
    }
    guard application != nil || files?.newName == nil && parts.allSatisfy({ $0.place != $0.claim }) else {
      return .progressing(
        reason: Reason.applicationNotFound, message: "\(target.text) is not there; create it, or restore to newClaims")
    }
    for part in parts {
      guard let claim = claim(part.place) else {
        return .progressing(reason: Reason.volumesNotFound, message: "\(target.text) has no claim \(part.place)")
      }
      if let problem = claim.problem {
        return .progressing(reason: Reason.volumesNotFound, message: "claim \(claim.name) \(problem)")
      }
    }
    return scalesDown ? partialObstacle ?? scalingObstacle(reference) : nil
  }

  /// A whole restore makes a volume what the snapshot is: what the Backup left out would be gone.
  private var partialObstacle: Health? {
    let volumes = backup?.subject.volumes
    guard volumes?.include?.isEmpty == false || volumes?.exclude?.isEmpty == false,
      request.spec.files?.paths?.isEmpty != false
    else { return nil }
    return .stalled(
      reason: Reason.invalidSpec,
      message: "the Backup has not all of its volumes (spec.volumes.include, exclude), and a restore of all of it "
        + "would remove the rest; name files.paths, or restore to files.newClaims")
  }

  private func scalingObstacle(_ reference: WorkloadReference) -> Health? {
    guard application?.replicas != nil else {
      return .stalled(
        reason: Reason.unsupported,
        message: "a \(reference.kind) can't be scaled down while its volumes are restored; restore to files.newClaims")
    }
    if let other = application?.scaledDownFor, other != request.metadata.uid {
      return .progressing(
        reason: Reason.waiting, message: "the application is scaled down for another RestoreRequest or a Backup")
    }
    // It would read some of the old and some of the new.
    guard let reader else { return nil }
    return .progressing(
      reason: Reason.waiting, message: "Backup \(reader.metadata.name ?? "") reads the volumes of this application")
  }
}
