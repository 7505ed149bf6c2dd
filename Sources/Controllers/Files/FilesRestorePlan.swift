package import KubeModel
package import KubeRuntime
package import Steps
package import TidemarkAPI

/// What a reconcile of a RestoreRequest for volumes or a bucket sees.
package struct FilesRestoreObservation: Sendable {
  package var request: RestoreRequest
  /// The Backup that the source names.
  package var backup: Backup?
  /// Where its snapshots lie.
  package var destination: BackupDestination?
  /// The Bucket that is restored to, where it is one.
  package var bucket: Bucket?
  /// The application that is restored to, where it is one.
  package var application: ApplicationSight?
  /// The claims that are restored into and are not the application's own, by name.
  package var newClaims: [ApplicationSight.Claim]
  /// What there is of the name that a copy of the application is to have.
  package var copy: WorkloadCopySight
  /// A Backup of the application that is restored to, whose step is at work.
  package var reader: Backup?
  /// The run of its step.
  package var run: StepState
  package var now: Timestamp

  /// What was seen.
  package init(
    request: RestoreRequest, backup: Backup?, destination: BackupDestination?, bucket: Bucket? = nil,
    application: ApplicationSight? = nil, newClaims: [ApplicationSight.Claim] = [],
    copy: WorkloadCopySight = .absent, reader: Backup? = nil, run: StepState, now: Timestamp
  ) {
    self.reader = reader
    self.copy = copy
    self.request = request
    self.backup = backup
    self.destination = destination
    self.bucket = bucket
    self.application = application
    self.newClaims = newClaims
    self.run = run
    self.now = now
  }
}

/// Whether there is a workload of the name that a copy is to have.
package enum WorkloadCopySight: Equatable, Sendable {
  case absent
  /// The copy that was made for this request.
  case own
  /// Somebody else's.
  case foreign
}

/// What there is to do about a RestoreRequest that restores volumes or a bucket: what to say, then what follows.
///
/// An application whose own claims are written to is scaled to none first, with a note on it of how many replicas it
/// had, and given them back when the step has ended, however it did.
package struct FilesRestorePlan: ActingPlan, Equatable, Sendable {
  /// One thing to do.
  package enum Action: AttemptingAction, Sendable {
    case addFinalizer
    /// Makes the claims that are restored into and are not there.
    case makeClaims
    /// Makes a copy of the application, with the claims that were restored.
    case makeCopy
    /// Scales the application to none.
    case scaleDown
    /// Starts the step, discarding an earlier run of it first.
    case start
    case stopRun
    case discardRun
    /// Gives the application its replicas back.
    case scaleUp
    case removeFinalizer
  }

  package var status: RestoreRequestStatus
  package var actions: [Action] = []
  package var events: [PlannedEvent] = []
  package var next: ReconcileResult = .done

  package static let pollInterval: Duration = .seconds(1)

  package static func make(_ seen: FilesRestoreObservation) -> FilesRestorePlan {
    var plan = FilesRestorePlan(status: seen.request.status?.ownedByController ?? RestoreRequestStatus())
    if seen.request.metadata.isDeleting {
      plan.delete(seen)
    } else if plan.status.phase == .completed || plan.status.phase == .failed {
      plan.settle(seen)
    } else if !seen.request.metadata.finalizers.contains(TidemarkGroup.finalizer) {
      plan.actions = [.addFinalizer]
    } else {
      plan.proceed(seen)
    }
    return plan
  }

  private mutating func proceed(_ seen: FilesRestoreObservation) {
    switch seen.run.outcome {
    case .absent: begin(seen)
    case .running: watch(seen)
    case .waiting(let hindrance):
      watch(seen)
      report(.progressing(reason: hindrance.code, message: hindrance.message), seen)
    case .done(.restoredFiles(let product)): complete(product, seen)
    case .done: fail(.otherProduct, seen)
    case .failed(let failure): fail(failure, seen)
    case .passing(let failure): tryAgain(failure, seen)
    }
  }

  // MARK: On the way

  private mutating func begin(_ seen: FilesRestoreObservation) {
    status.filesTarget = seen.request.filesTarget(seen.backup)
    switch seen.obstacle {
    case .stalled(let reason, let message):
      return fail(FailureStatus(code: reason, message: message), seen)
    case let health?: return wait(health, seen)
    case nil: break
    }
    status.observedGeneration = seen.request.metadata.generation
    if seen.scalesDown, let application = seen.application {
      switch application.stillness(for: seen.request.metadata.uid) {
      case .still: break
      case .running:
        actions = [.scaleDown]
        events.append(
          .normal(Reason.scaling, "\(status.filesTarget?.text ?? "") is scaled to none while its volumes are restored"))
        return wait(.progressing(reason: Reason.scaling, message: "the application is being scaled down"), seen)
      case .ending(let pods):
        return wait(
          .progressing(reason: Reason.scaling, message: "\(pods) pods of the application have not ended yet"), seen)
      }
    }
    status.phase = .restoring
    status.attempts = (status.attempts ?? 0) + 1
    status.startedAt = status.startedAt ?? seen.now
    report(.progressing(reason: "Restoring", message: "\(status.filesTarget?.text ?? "") is being restored"), seen)
    events.append(
      .normal("Started", "restoring Backup \(seen.backup?.metadata.name ?? "") to \(status.filesTarget?.text ?? "")"))
    actions = [.start]
    next = .requeue(after: Self.pollInterval)
  }

  /// Says once what is waited for. Claims that are to be made are made meanwhile.
  private mutating func wait(_ health: Health, _ seen: FilesRestoreObservation) {
    let before = status.conditions?[type: ConditionType.ready]?.reason
    status.phase = .pending
    report(health, seen)
    if let now = status.conditions?[type: ConditionType.ready], now.reason != before, now.reason != Reason.scaling {
      events.append(.warning(now.reason, now.message))
    }
    if !seen.newClaims.isEmpty { actions.append(.makeClaims) }
    next = .requeue(after: .seconds(2))
  }

  private mutating func watch(_ seen: FilesRestoreObservation) {
    status.phase = .restoring
    status.attempts = max(1, status.attempts ?? 0)
    status.startedAt = status.startedAt ?? seen.now
    report(.progressing(reason: "Restoring", message: "\(status.filesTarget?.text ?? "") is being restored"), seen)
    next = .requeue(after: Self.pollInterval)
  }

  private mutating func complete(_ product: RestoredFiles, _ seen: FilesRestoreObservation) {
    if let name = seen.request.spec.files?.newName, seen.copy != .own {
      guard seen.copy == .absent else {
        return fail(
          FailureStatus(code: Reason.nameTaken, message: "a workload \(name) came into being meanwhile"), seen)
      }
      actions = [.makeCopy]
      report(.progressing(reason: "Copying", message: "the volumes are restored; \(name) is being made"), seen)
      next = .requeue(after: Self.pollInterval)
      return
    }
    status.phase = .completed
    (status.restoredAt, status.completedAt) = (seen.now, seen.now)
    (status.files, status.error, status.retryAt) = (product, nil, nil)
    let message =
      "\(product.written) files were written, \(product.unchanged) were as they were, \(product.deleted) were deleted"
    report(.ready(reason: Reason.completed, message: message), seen)
    events.append(.normal(Reason.completed, message))
    actions = [.scaleUp, .discardRun]
  }

  private mutating func tryAgain(_ failure: FailureStatus, _ seen: FilesRestoreObservation) {
    switch decide(failure, seen) {
    case .giveUp: fail(failure, seen)
    case .wait: break
    case .start:
      report(
        .progressing(
          reason: Reason.running, message: "attempt \(status.attempts ?? 1) of \(Attempts.bound) is at work"), seen)
      actions = [.start]
    }
  }

  private mutating func fail(_ failure: FailureStatus, _ seen: FilesRestoreObservation) {
    (status.phase, status.completedAt) = (.failed, seen.now)
    (status.error, status.retryAt) = (failure, nil)
    status.observedGeneration = seen.request.metadata.generation
    report(.stalled(reason: failure.code, message: failure.message), seen)
    events.append(.warning(failure.code, failure.message + "; create another RestoreRequest when this is mended"))
    actions = [.scaleUp, .discardRun]
  }

  // MARK: At the end

  /// What has to follow the end, and a crash may have come before.
  private mutating func settle(_ seen: FilesRestoreObservation) {
    if seen.run.isAtWork { actions.append(.stopRun) }
    if seen.application?.scaledDownFor == seen.request.metadata.uid { actions.append(.scaleUp) }
    if seen.run != .absent { actions.append(.discardRun) }
  }

  private mutating func delete(_ seen: FilesRestoreObservation) {
    guard seen.request.metadata.finalizers.contains(TidemarkGroup.finalizer) else { return }
    actions = [.stopRun, .scaleUp, .discardRun, .removeFinalizer]
  }
}

extension FilesRestoreObservation: Sight {
  package var generation: Int64? { request.metadata.generation }
}
