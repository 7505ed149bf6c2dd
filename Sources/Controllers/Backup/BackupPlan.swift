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
package struct BackupPlan: Equatable, Sendable {
  /// One thing to do.
  package enum Action: Equatable, Sendable {
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
    switch seen.run {
    case .absent: begin(seen)
    case .running: watch(seen)
    case .waiting(let hindrance): watch(seen, hindrance)
    case .ended(.done(.baseBackup(let product))):
      status.postgres = product.postgres
      complete("base backup", product.snapshot, product.size, seen)
    case .ended(.done(.dump(let product))): complete("dump", product.snapshot, product.size, seen)
    case .ended(.done(.files(let product))):
      status.snapshots = product.snapshots
      reportConsistency(product.inconsistencies, seen)
      complete(
        "backup of \(seen.backup.subject.target.text)", product.snapshots.first?.snapshot ?? "", product.size, seen)
    case .ended(.done): fail(FailureStatus(code: Reason.failed, message: "the step ended with another product"), seen)
    case .ended(.failed(let failure)): fail(failure, seen)
    case .ended(.tryAgain(let failure)): tryAgain(failure, seen)
    case .lost(let lastWords):
      let message =
        "the step's process was killed or crashed" + (lastWords.isEmpty ? "" : "; it last said: \(lastWords)")
      tryAgain(FailureStatus(code: "StepLost", message: message), seen)
    }
  }

  private mutating func begin(_ seen: BackupObservation) {
    if let health = obstacle(seen) {
      if case .stalled(let reason, let message) = health {
        return fail(FailureStatus(code: reason, message: message), seen)
      }
      wait(health, seen)
      return
    }
    if let unrest = seen.unrest {
      wait(unrest.health, seen)
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
    report(
      .progressing(reason: Reason.running, message: "attempt \(status.attempts ?? 1) of \(Attempts.bound) is at work"),
      seen)
    events.append(.normal("Started", "\(seen.backup.spec.effectiveMethod.text) started"))
    next = .requeue(after: Self.pollInterval)
  }

  /// Says once what is waited for.
  private mutating func wait(_ health: Health, _ seen: BackupObservation) {
    let before = status.conditions?[type: ConditionType.ready]?.reason
    status.phase = .pending
    report(health, seen)
    if let now = status.conditions?[type: ConditionType.ready], now.reason != before {
      let isUsual = now.reason == Reason.waiting || now.reason == Reason.scaling
      events.append(isUsual ? .normal(now.reason, now.message) : .warning(now.reason, now.message))
    }
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
    if let began = status.observedGeneration, let current = seen.backup.metadata.generation, began != current {
      let message = "spec changed after the start; every attempt keeps the target, destination and method of the first"
      report(.progressing(reason: "SpecChangeIgnored", message: message), seen)
      if seen.backup.status?.conditions?[type: ConditionType.ready]?.reason != "SpecChangeIgnored" {
        events.append(.warning("SpecChangeIgnored", message + "; create another Backup for the new spec"))
      }
    } else {
      if let hindrance, status.conditions?[type: ConditionType.ready]?.reason != hindrance.code {
        events.append(.warning(hindrance.code, hindrance.message))
      }
      report(
        .progressing(
          reason: hindrance?.code ?? Reason.running,
          message: hindrance?.message ?? "attempt \(status.attempts ?? 1) of \(Attempts.bound) is at work"), seen)
    }
    next = .requeue(after: Self.pollInterval)
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
    let begun = status.attempts ?? 1
    switch Attempts.decide(attempts: begun, retryAt: status.retryAt, now: seen.now) {
    case .giveUp: return fail(failure, seen)
    case .wait(let moment):
      if status.retryAt == nil { events.append(.warning(failure.code, failure.message + "; tried again at \(moment)")) }
      status.phase = .running
      status.error = failure
      status.retryAt = moment
      report(
        .progressing(
          reason: Reason.retrying,
          message: "attempt \(begun + 1) of \(Attempts.bound) begins at \(moment), after a failure: \(failure.message)"),
        seen)
      next = .requeue(after: .seconds(max(1, moment.secondsSince1970 - seen.now.secondsSince1970)))
    case .start:
      status.retryAt = nil
      status.attempts = begun + 1
      report(
        .progressing(reason: Reason.running, message: "attempt \(begun + 1) of \(Attempts.bound) is at work"), seen)
      actions = [.start]
      next = .requeue(after: Self.pollInterval)
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

  private mutating func delete(_ seen: BackupObservation) {
    guard seen.backup.metadata.finalizers.contains(TidemarkGroup.finalizer) else { return }
    if seen.run.isAtWork {
      actions = [.stopRun]
      next = .requeue(after: Self.pollInterval)
      return
    }
    status.phase = .deleting
    switch (status.snapshot ?? seen.unreportedSnapshot, seen.backup.spec.deletionPolicy) {
    case (let snapshot?, .delete):
      status.snapshot = snapshot
      if case .ended(.done(.files(let product))) = seen.run { status.snapshots = product.snapshots }
      if case .found(let found) = seen.backup.discovery { status.snapshots = found.snapshots }
      forget(seen)
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
    switch seen.forgetting {
    case .ended(.done):
      events.append(.normal("Forgotten", "snapshot \((status.snapshot ?? "").prefix(8)) was removed"))
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

  private mutating func report(_ health: Health, _ seen: BackupObservation) {
    var conditions = status.conditions ?? []
    conditions.report(health, generation: seen.backup.metadata.generation, now: seen.now)
    status.conditions = conditions
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
