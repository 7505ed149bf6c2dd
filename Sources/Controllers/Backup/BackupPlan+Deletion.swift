import KubeModel
import KubeRuntime
import Steps
import TidemarkAPI

/// A Backup that is being deleted.
extension BackupPlan {
  mutating func delete(_ seen: BackupObservation) {
    guard seen.backup.metadata.finalizers.contains(TidemarkGroup.finalizer) else { return }
    if seen.run.isAtWork {
      actions = [.stopRun]
      next = .requeue(after: Self.pollInterval)
      return
    }
    let mayHaveLeft = seen.mayHaveLeftSnapshot
    status.phase = .deleting
    switch (status.snapshot ?? seen.unreportedSnapshot, seen.backup.spec.deletionPolicy) {
    case (let snapshot?, .delete):
      status.snapshot = snapshot
      if case .ended(.done(.files(let product))) = seen.run { status.snapshots = product.snapshots }
      if case .found(let found) = seen.backup.discovery { status.snapshots = found.snapshots }
      forget(seen)
    case (nil, .delete) where mayHaveLeft: forget(seen)
    case (_?, .retain):
      events.append(.normal("Retained", "the snapshot stays in the repository, as spec.deletionPolicy says"))
      actions = seen.ending + [.removeFinalizer]
    case (nil, _):
      actions = seen.ending + [.removeFinalizer]
    }
  }

  private mutating func forget(_ seen: BackupObservation) {
    guard seen.destination != nil, seen.backup.subject.target.identity != nil else {
      events.append(
        .warning(
          Reason.destinationNotFound, "the destination is gone, so the snapshot was left in its repository"))
      actions = seen.ending + [.removeFinalizer]
      return
    }
    if seen.namespaceEnds, seen.forgetting.mayBeginAnew {
      events.append(
        .warning(
          Reason.namespaceEnds,
          "the namespace is being deleted, and no step can run in it: the snapshot was left in its repository. Where "
            + "snapshots are to go as well, delete Backups before their namespace"))
      actions = [.discardForgetting] + seen.ending + [.removeFinalizer]
      return
    }
    switch seen.forgetting {
    case .ended(.done):
      if let snapshot = status.snapshot {
        events.append(.normal("Forgotten", "snapshot \(snapshot.prefix(8)) was removed"))
      }
      actions = [.discardForgetting] + seen.ending + [.removeFinalizer]
    case .running:
      report(.progressing(reason: "Forgetting", message: "the snapshot is being removed"), seen)
      next = .requeue(after: Self.pollInterval)
    case .waiting(let hindrance):
      report(.progressing(reason: hindrance.code, message: hindrance.message), seen)
      next = .requeue(after: Self.pollInterval)
    case .absent where seen.forgottenBefore != nil:
      let first = seen.forgottenBefore?.metadata.name ?? ""
      report(
        .progressing(
          reason: Reason.waiting, message: "the snapshot of Backup \(first) of the same target goes first"),
        seen)
      next = .requeue(after: Self.pollInterval)
    case .absent, .lost:
      report(.progressing(reason: "Forgetting", message: "the snapshot is being removed"), seen)
      actions = [.forget]
      next = .requeue(after: Self.pollInterval)
    case .ended(.failed(let failure)), .ended(.tryAgain(let failure)):
      let message = "the snapshot can't be removed: \(failure.message); mend it, or set spec.deletionPolicy to Retain"
      report(.stalled(reason: failure.code, message: message), seen)
      if seen.backup.status?.conditions?[type: ConditionType.stalled]?.message != message {
        events.append(.warning(failure.code, message))
      }
      actions = [.discardForgetting]
      next = .requeue(after: .seconds(30))
    }
  }
}

extension StepState {
  /// Whether a `forget` step is neither at work nor did what it is for.
  fileprivate var mayBeginAnew: Bool {
    if case .ended(.done) = self { return false }
    return !isAtWork
  }
}

extension BackupObservation {
  /// What follows the end of the step's run.
  var ending: [BackupPlan.Action] { scalesDown ? [.scaleUp, .discardRun] : [.discardRun] }

  /// A snapshot that the step made, or that was found, and that no status tells of yet.
  var unreportedSnapshot: String? {
    if case .found(let found) = backup.discovery { return found.snapshot }
    switch run {
    case .ended(.done(.baseBackup(let product))): return product.snapshot
    case .ended(.done(.dump(let product))): return product.snapshot
    case .ended(.done(.files(let product))): return product.snapshots.first?.snapshot
    default: return nil
    }
  }

  /// Whether a step that ended without its own word may have come to its snapshot. One that failed says that it has not.
  var mayHaveLeftSnapshot: Bool {
    switch run.outcome {
    case .passing: true
    case .absent: backup.status?.error?.code == Reason.stepLost
    case .running, .waiting, .done, .failed: false
    }
  }
}
