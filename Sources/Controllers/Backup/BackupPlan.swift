package import KubeModel
package import KubeRuntime
package import Steps
package import TidemarkAPI

/// What a reconcile of a Backup sees.
package struct BackupObservation: Sendable {
  package var backup: Backup
  package var database: Database?
  /// The Bucket, where it is of one.
  package var bucket: Bucket?
  /// The application, where it is of one; looked at before its step is started only.
  package var application: ApplicationSight?
  package var destination: BackupDestination?
  /// The other Backups of the same target that have not ended.
  package var rivals: [Backup]
  /// A Backup of the same target whose snapshot is forgotten before this one's.
  package var forgottenBefore: Backup?
  /// The run of the step that takes it.
  package var run: StepState
  /// The run of its `forget` step.
  package var forgetting: StepState
  /// Whether the namespace is being deleted: then no step can be started in it, and Secrets go at any moment. Looked at
  /// only where the Backup is being deleted as well.
  package var namespaceEnds = false
  package var now: Timestamp

  /// What was seen.
  package init(
    backup: Backup, database: Database?, bucket: Bucket? = nil, application: ApplicationSight? = nil,
    destination: BackupDestination?, rivals: [Backup], forgottenBefore: Backup? = nil, run: StepState,
    forgetting: StepState, now: Timestamp
  ) {
    self.backup = backup
    self.database = database
    self.bucket = bucket
    self.application = application
    self.destination = destination
    self.rivals = rivals
    self.forgottenBefore = forgottenBefore
    self.run = run
    self.forgetting = forgetting
    self.now = now
  }
}

/// What there is to do about a Backup: what to say, then what to do, then when to look again.
package struct BackupPlan: ActingPlan, Equatable, Sendable {
  /// One thing to do.
  package enum Action: AttemptingAction, Sendable {
    case addFinalizer
    /// Starts the step that takes it, discarding an earlier run of it first.
    case start
    case stopRun
    case discardRun
    /// Scales the application to none.
    case scaleDown
    /// Gives the application its replicas back.
    case scaleUp
    /// Starts the `forget` step, discarding an earlier run of it first.
    case forget
    case discardForgetting
    case removeFinalizer
    /// Deletes the Backup itself.
    case expire
  }

  package var status: BackupStatus
  package var actions: [Action] = []
  package var events: [PlannedEvent] = []
  package var next: ReconcileResult = .done

  /// How often a step at work, or something that is waited for, is looked at.
  package static let pollInterval: Duration = .seconds(2)

  package static func make(_ seen: BackupObservation) -> BackupPlan {
    var plan = BackupPlan(status: seen.backup.status?.ownedByController ?? BackupStatus())
    if seen.backup.metadata.isDeleting {
      plan.delete(seen)
    } else if seen.backup.discovery != .none {
      plan.show(seen)
    } else if plan.status.phase?.isFinal == true {
      plan.settle(seen)
    } else if !seen.backup.metadata.finalizers.contains(TidemarkGroup.finalizer) {
      plan.actions = [.addFinalizer]
    } else {
      plan.proceed(seen)
    }
    return plan
  }

  // MARK: On the way to completion

  private mutating func proceed(_ seen: BackupObservation) {
    switch seen.run.outcome {
    case .absent: begin(seen)
    case .running: watch(seen)
    case .waiting(let hindrance): watch(seen, hindrance)
    case .done(.baseBackup(let product)):
      status.postgres = product.postgres
      complete("base backup", product.snapshot, product.size, seen)
    case .done(.dump(let product)): complete("dump", product.snapshot, product.size, seen)
    case .done(.files(let product)):
      status.snapshots = product.snapshots
      reportConsistency(product.inconsistencies, seen)
      complete(
        "backup of \(seen.backup.subject.target.text)", product.snapshots.first?.snapshot ?? "", product.size, seen)
    case .done: fail(.otherProduct, seen)
    case .failed(let failure): fail(failure, seen)
    case .passing(let failure): tryAgain(failure, seen)
    }
  }

  private mutating func begin(_ seen: BackupObservation) {
    let health = obstacle(seen)
    if givesReplicasBack(health, seen) { return }
    if let health {
      if case .stalled(let reason, let message) = health {
        return fail(FailureStatus(code: reason, message: message), seen)
      }
      return wait(for: health, seen)
    }
    if let unrest = seen.unrest {
      wait(for: unrest.health, seen)
      if unrest.scalesDown { actions = [.scaleDown] }
      return
    }
    actions = [.start]
    status.phase = .running
    status.attempts = (status.attempts ?? 0) + 1
    status.startedAt = status.startedAt ?? seen.now
    // What the step begins with: later attempts keep to it, and a change of the spec is told from the generation.
    status.begunWith = BackupSubject(seen.backup.spec)
    status.observedGeneration = seen.backup.metadata.generation
    reportAttempt(seen)
    events.append(.normal("Started", "\(seen.backup.spec.effectiveMethod.text) started"))
    next = .requeue(after: Self.pollInterval)
  }

  /// Why the step can't start now; nil when it can.
  private func obstacle(_ seen: BackupObservation) -> Health? {
    let spec = seen.backup.spec
    let problems = spec.problems()
    guard problems.isEmpty else { return .stalled(reason: Reason.invalidSpec, message: problems.summary) }
    if let health = seen.targetObstacle { return health }
    guard let destination = seen.destination else {
      return .progressing(
        reason: Reason.destinationNotFound, message: "BackupDestination \(spec.destinationName) is not there; create it"
      )
    }
    if destination.metadata.isDeleting {
      return .progressing(
        reason: Reason.destinationNotReady, message: "BackupDestination \(spec.destinationName) is being deleted")
    }
    guard destination.status?.conditions?.isTrue(ConditionType.ready) == true else {
      let why = destination.status?.conditions?[type: ConditionType.ready]?.message ?? "it was not validated yet"
      return .progressing(
        reason: Reason.destinationNotReady, message: "BackupDestination \(spec.destinationName) is not Ready: \(why)")
    }
    if let first = seen.rivals.first(where: { $0.goesBefore(seen.backup) }) {
      return .progressing(
        reason: Reason.waiting, message: "Backup \(first.metadata.name ?? "") of the same target goes first")
    }
    return nil
  }

  private mutating func watch(_ seen: BackupObservation, _ hindrance: FailureStatus? = nil) {
    if status.phase != .running {
      // Found at work after a crash of the controller between the start and its report.
      status.phase = .running
      status.attempts = max(1, status.attempts ?? 0)
      status.startedAt = status.startedAt ?? seen.now
      status.begunWith = status.begunWith ?? BackupSubject(seen.backup.spec)
      status.observedGeneration = seen.backup.metadata.generation
    }
    if let hindrance, status.conditions?[type: ConditionType.ready]?.reason != hindrance.code {
      events.append(.warning(hindrance.code, hindrance.message))
    }
    reportAttempt(seen, hindrance)
    noteChangedSpec(
      "every attempt keeps the target, destination and method of the first", kind: "Backup",
      readyReason: seen.backup.status?.conditions?[type: ConditionType.ready]?.reason, seen)
    next = .requeue(after: Self.pollInterval)
  }

  /// Says that the step is at work, or what keeps it from that.
  private mutating func reportAttempt(_ seen: BackupObservation, _ hindrance: FailureStatus? = nil) {
    let attempt = "attempt \(status.attempts ?? 1) of \(Attempts.bound)"
    if let hindrance {
      report(.progressing(reason: hindrance.code, message: hindrance.message), seen)
    } else if seen.run == .running, let awaited = seen.backup.status?.progress?.waitingFor {
      report(.progressing(reason: Reason.waiting, message: "\(attempt) waits for \(awaited)"), seen)
    } else {
      report(.progressing(reason: Reason.running, message: "\(attempt) is at work"), seen)
    }
  }

  private mutating func complete(_ kind: String, _ snapshot: String, _ size: BackupSize, _ seen: BackupObservation) {
    status.phase = .completed
    status.completedAt = seen.now
    status.snapshot = snapshot
    status.size = size
    status.error = nil
    status.retryAt = nil
    report(.ready(reason: Reason.completed, message: "snapshot \(snapshot.prefix(8)) is stored"), seen)
    events.append(
      .normal(
        Reason.completed,
        "\(kind) of \(size.logical) bytes is stored as snapshot \(snapshot.prefix(8)); "
          + "\(size.stored) bytes were uploaded"))
    actions = seen.ending
  }

  private mutating func fail(_ failure: FailureStatus, _ seen: BackupObservation) {
    status.phase = .failed
    status.completedAt = seen.now
    status.error = failure
    status.retryAt = nil
    status.observedGeneration = seen.backup.metadata.generation
    report(.stalled(reason: failure.code, message: failure.message), seen)
    events.append(.warning(failure.code, failure.message + "; create another Backup when this is mended"))
    actions = seen.ending
  }

  private mutating func tryAgain(_ failure: FailureStatus, _ seen: BackupObservation) {
    switch decide(failure, seen) {
    case .giveUp: fail(failure, seen)
    case .wait: status.phase = .running
    case .start:
      reportAttempt(seen)
      actions = [.start]
    }
  }

  // MARK: At the end

  /// A Backup that stands for a snapshot in the bucket: nothing runs for it, ever.
  private mutating func show(_ seen: BackupObservation) {
    guard case .found(let found) = seen.backup.discovery else {
      let message =
        "annotation \(TidemarkAnnotation.discovered) does not say which snapshot this is; delete this Backup: what is "
        + "in the bucket is found again"
      return report(.stalled(reason: Reason.invalidSpec, message: message), seen)
    }
    guard seen.backup.metadata.finalizers.contains(TidemarkGroup.finalizer) else {
      actions = [.addFinalizer]
      return
    }
    if status.phase == .completed, status.snapshot == found.snapshot { return settle(seen) }
    status.phase = .completed
    status.completedAt = found.completedAt
    status.snapshot = found.snapshot
    status.size = found.size
    status.postgres = found.postgres
    status.snapshots = found.snapshots
    status.begunWith = BackupSubject(seen.backup.spec)
    status.observedGeneration = seen.backup.metadata.generation
    report(
      .ready(reason: Reason.completed, message: "snapshot \(found.snapshot.prefix(8)) was found in the destination"),
      seen)
  }

  private mutating func settle(_ seen: BackupObservation) {
    if seen.run != .absent { actions += seen.ending }
    guard let lifetime = seen.backup.spec.expiresAfter, let ended = status.completedAt else { return }
    let rest = lifetime.duration - .seconds(seen.now.secondsSince1970 - ended.secondsSince1970)
    guard rest <= .zero else {
      next = .requeue(after: rest)
      return
    }
    events.append(.normal("Expired", "deleted \(lifetime) after it ended, as spec.expiresAfter says"))
    actions.append(.expire)
  }
}

extension BackupObservation: Sight {
  package var generation: Int64? { backup.metadata.generation }
}

extension Backup {
  /// Whether this one is at work, or came before `other`: one backup a target at a time.
  ///
  /// One that lacks something of its own holds nobody up.
  func goesBefore(_ other: Backup) -> Bool {
    if status?.phase == .running { return true }
    if let reason = status?.conditions?[type: ConditionType.ready]?.reason, Self.lacking.contains(reason) {
      return false
    }
    let (mine, theirs) = (metadata.creationTimestamp, other.metadata.creationTimestamp)
    guard let mine, let theirs, mine != theirs else { return (metadata.uid ?? "") < (other.metadata.uid ?? "") }
    return mine < theirs
  }

  /// Whether its snapshot is forgotten before that of `other`, which is being deleted too: one a target at a time,
  /// since who removes data from a repository must be alone with it. One that is stuck holds nobody up.
  func isForgottenBefore(_ other: Backup) -> Bool {
    guard let mine = metadata.deletionTimestamp, let theirs = other.metadata.deletionTimestamp,
      spec.deletionPolicy == .delete, namedSnapshot != nil, metadata.uid != other.metadata.uid,
      status?.conditions?.isTrue(ConditionType.stalled) != true || status?.phase != .deleting
    else { return false }
    return (mine, metadata.uid ?? "") < (theirs, other.metadata.uid ?? "")
  }

  private static let lacking = [
    Reason.destinationNotFound, Reason.destinationNotReady, Reason.databaseNotFound, Reason.secretMissing,
    Reason.bucketResourceNotFound, Reason.bucketNotReady, Reason.applicationNotFound, Reason.volumesNotFound,
  ]
}

extension BackupStatus {
  /// Without what the step writes: each field has one manager.
  var ownedByController: BackupStatus {
    var status = self
    status.progress = nil
    return status
  }
}
