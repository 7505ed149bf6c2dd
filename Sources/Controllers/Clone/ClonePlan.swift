package import KubeModel
package import KubeRuntime
package import Steps
package import TidemarkAPI

/// What a reconcile of a PITRClone sees.
package struct CloneObservation: Sendable {
  package var clone: PITRClone
  package var source: Database?
  package var destination: BackupDestination?
  /// The Database that has the new name already.
  package var namesake: Database?
  /// The run of its `restore-database` step.
  package var run: StepState
  package var instance: InstanceState
  package var now: Timestamp

  /// What was seen.
  package init(
    clone: PITRClone, source: Database?, destination: BackupDestination?, namesake: Database?, run: StepState,
    instance: InstanceState, now: Timestamp
  ) {
    self.clone = clone
    self.source = source
    self.destination = destination
    self.namesake = namesake
    self.run = run
    self.instance = instance
    self.now = now
  }
}

/// What there is to do about a PITRClone: what comes first, then what to say, then what follows from that.
package struct ClonePlan: Equatable, Sendable {
  /// One thing to do.
  package enum Action: Equatable, Sendable {
    case addFinalizer
    /// Makes a place for the instance and starts the `restore-database` step, discarding an earlier run of it.
    case startRun
    case stopRun
    case discardRun
    case startInstance(serverMajor: Int)
    /// Ends the recovery's settings and makes the new Database, its Secret and its first Backup.
    case adopt(RestoredDatabaseProduct, RunningInstance)
    case removeInstance
    case removeFinalizer
  }

  /// What has to be done before the status may say so.
  package var first: [Action] = []
  package var status: PITRCloneStatus
  package var then: [Action] = []
  package var events: [PlannedEvent] = []
  package var next: ReconcileResult = .done

  package static let pollInterval: Duration = .seconds(1)

  package static func make(_ seen: CloneObservation) -> ClonePlan {
    var plan = ClonePlan(status: seen.clone.status?.ownedByController ?? PITRCloneStatus())
    if seen.clone.metadata.isDeleting {
      plan.delete(seen)
    } else if plan.status.phase?.isFinal == true {
      plan.settle(seen)
    } else if !seen.clone.metadata.finalizers.contains(TidemarkGroup.finalizer) {
      plan.first = [.addFinalizer]
    } else {
      plan.proceed(seen)
    }
    return plan
  }

  private mutating func proceed(_ seen: CloneObservation) {
    if let failure = status.error, status.retryAt != nil, seen.run != .running { return tryAgain(failure, seen) }
    switch seen.run {
    case .absent: begin(seen)
    case .running: watchRestore(seen)
    case .ended(.done(.restoredDatabase(let product))): watchRecovery(product, seen)
    case .ended(.done): fail(FailureStatus(code: Reason.failed, message: "the step ended with another product"), seen)
    case .ended(.failed(let failure)): fail(failure, seen)
    case .ended(.tryAgain(let failure)): tryAgain(failure, seen)
    case .lost(let lastWords):
      let message =
        "the step's process was killed or crashed" + (lastWords.isEmpty ? "" : "; it last said: \(lastWords)")
      tryAgain(FailureStatus(code: "StepLost", message: message), seen)
    }
  }

  // MARK: Before anything is created

  private mutating func begin(_ seen: CloneObservation) {
    switch obstacle(seen) {
    case .stalled(let reason, let message): fail(FailureStatus(code: reason, message: message), seen)
    case let health?:
      wait(health, seen)
    case nil: start(seen)
    }
  }

  /// Says once what is waited for.
  private mutating func wait(_ health: Health, _ seen: CloneObservation) {
    let before = status.conditions?[type: ConditionType.ready]?.reason
    status.phase = .pending
    report(health, seen)
    if let now = status.conditions?[type: ConditionType.ready], now.reason != before {
      events.append(.warning(now.reason, now.message))
    }
    next = .requeue(after: .seconds(2))
  }

  private func obstacle(_ seen: CloneObservation) -> Health? {
    let spec = seen.clone.spec
    let problems = spec.problems()
    guard problems.isEmpty else { return .stalled(reason: Reason.invalidSpec, message: problems.summary) }
    if let namesake = seen.namesake, namesake.metadata.labels[TidemarkLabel.clone] != seen.clone.metadata.name {
      return .stalled(
        reason: Reason.nameTaken, message: "a Database \(spec.newName) exists; choose another spec.newName")
    }
    guard let source = seen.source else {
      return .progressing(reason: Reason.databaseNotFound, message: "Database \(spec.database) is not there; create it")
    }
    guard let pitr = source.spec.pitr else {
      return .stalled(
        reason: Reason.disabled,
        message: "Database \(spec.database) has no spec.pitr, so there is no archive to clone from")
    }
    guard let destination = seen.destination else {
      return .progressing(
        reason: Reason.destinationNotFound, message: "BackupDestination \(pitr.destinationName) is not there; create it"
      )
    }
    guard destination.status?.conditions?.isTrue(ConditionType.ready) == true else {
      let why = destination.status?.conditions?[type: ConditionType.ready]?.message ?? "it was not validated yet"
      return .progressing(
        reason: Reason.destinationNotReady, message: "BackupDestination \(pitr.destinationName) is not Ready: \(why)")
    }
    return nil
  }

  private mutating func start(_ seen: CloneObservation) {
    status.phase = .preflight
    status.attempts = (status.attempts ?? 0) + 1
    status.startedAt = status.startedAt ?? seen.now
    status.observedGeneration = seen.clone.metadata.generation
    report(.progressing(reason: "Preflight", message: "looking for what the recovery needs"), seen)
    events.append(.normal("Started", "looking for a base backup and log up to \(seen.clone.spec.pointInTime.summary)"))
    then = [.startRun]
    next = .requeue(after: Self.pollInterval)
  }

  // MARK: Restore and recovery

  private mutating func watchRestore(_ seen: CloneObservation) {
    status.attempts = max(1, status.attempts ?? 0)
    status.startedAt = status.startedAt ?? seen.now
    status.observedGeneration = status.observedGeneration ?? seen.clone.metadata.generation
    if seen.clone.status?.preflight == nil {
      status.phase = .preflight
      report(.progressing(reason: "Preflight", message: "looking for what the recovery needs"), seen)
    } else {
      if status.phase != .restoring { events.append(.normal("Restoring", "the base backup is being restored")) }
      status.phase = .restoring
      report(.progressing(reason: "Restoring", message: "the base backup is being restored"), seen)
    }
    noteChangedSpec(seen)
    next = .requeue(after: Self.pollInterval)
  }

  private mutating func watchRecovery(_ product: RestoredDatabaseProduct, _ seen: CloneObservation) {
    guard seen.source != nil else {
      return fail(
        FailureStatus(
          code: Reason.databaseNotFound,
          message: "Database \(seen.clone.spec.database) was deleted while its clone recovered: its role is not known"),
        seen)
    }
    next = .requeue(after: Self.pollInterval)
    if status.phase != .recovering { events.append(.normal("Recovering", "the new instance replays its log")) }
    status.phase = .recovering
    var message = "the new instance replays its log"
    switch seen.instance {
    case .absent:
      return tryAgain(FailureStatus(code: "InstanceLost", message: "the restored data directory is gone"), seen)
    case .stopped: then = [.startInstance(serverMajor: product.serverMajor)]
    case .starting: break
    case .recovering(let replayed): if let replayed { message += ", up to \(replayed) so far" }
    case .running(let instance): return complete(product, instance, seen)
    case .failed(let lastWords):
      return fail(
        FailureStatus(
          code: "RecoveryFailed",
          message: "the new instance ended before it took connections; it last said: \(lastWords)"),
        seen)
    }
    report(.progressing(reason: "Recovering", message: message), seen)
    noteChangedSpec(seen)
  }

  private mutating func complete(
    _ product: RestoredDatabaseProduct, _ instance: RunningInstance, _ seen: CloneObservation
  ) {
    first = [.adopt(product, instance)]
    status.phase = .completed
    status.completedAt = seen.now
    status.clone = seen.clone.spec.newName
    status.endpoint = instance.endpoint
    status.recoveredTo = instance.recoveredTo
    status.error = nil
    status.retryAt = nil
    let moment = instance.recoveredTo.time.map { "the commit of \($0)" } ?? "the base backup's end"
    let message = "Database \(seen.clone.spec.newName) holds everything up to \(moment)"
    report(.ready(reason: Reason.completed, message: message), seen)
    events.append(
      .normal(
        Reason.completed, "\(message) and takes connections at \(instance.endpoint.host):\(instance.endpoint.port)"))
    then = [.discardRun]
    next = .done
  }

  private mutating func tryAgain(_ failure: FailureStatus, _ seen: CloneObservation) {
    let begun = status.attempts ?? 1
    switch Attempts.decide(attempts: begun, retryAt: status.retryAt, now: seen.now) {
    case .giveUp: return fail(failure, seen)
    case .wait(let moment):
      if status.retryAt == nil { events.append(.warning(failure.code, failure.message + "; tried again at \(moment)")) }
      status.phase = .preflight
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
      report(.progressing(reason: "Preflight", message: "looking for what the recovery needs"), seen)
      then = [.startRun]
      next = .requeue(after: Self.pollInterval)
    }
  }

  private mutating func fail(_ failure: FailureStatus, _ seen: CloneObservation) {
    status.phase = .failed
    status.completedAt = seen.now
    status.error = failure
    status.retryAt = nil
    status.observedGeneration = seen.clone.metadata.generation
    report(.stalled(reason: failure.code, message: failure.message), seen)
    events.append(.warning(failure.code, failure.message + "; create another PITRClone when this is mended"))
    then = [.discardRun, .removeInstance]
    next = .done
  }

  // MARK: At the end

  private mutating func settle(_ seen: CloneObservation) {
    if seen.run != .absent { then.append(seen.run == .running ? .stopRun : .discardRun) }
    // A crash may have come between the failure and its clearing away.
    if status.phase == .failed, seen.instance != .absent { then.append(.removeInstance) }
  }

  private mutating func delete(_ seen: CloneObservation) {
    guard seen.clone.metadata.finalizers.contains(TidemarkGroup.finalizer) else { return }
    then = [.stopRun, .discardRun]
    // What a completed clone made belongs to its Database; before that it belongs to nobody else.
    if status.phase != .completed, seen.namesake?.metadata.labels[TidemarkLabel.clone] != seen.clone.metadata.name {
      then.append(.removeInstance)
    }
    then.append(.removeFinalizer)
  }

  private mutating func noteChangedSpec(_ seen: CloneObservation) {
    guard let began = status.observedGeneration, let current = seen.clone.metadata.generation, began != current else {
      return
    }
    let message = "spec changed after the start; the clone keeps the moment and name it began with"
    if seen.clone.status?.conditions?[type: ConditionType.ready]?.reason != "SpecChangeIgnored" {
      events.append(.warning("SpecChangeIgnored", message + "; create another PITRClone for the new spec"))
    }
    report(.progressing(reason: "SpecChangeIgnored", message: message), seen)
  }

  private mutating func report(_ health: Health, _ seen: CloneObservation) {
    var conditions = status.conditions ?? []
    conditions.report(health, generation: seen.clone.metadata.generation, now: seen.now)
    status.conditions = conditions
  }
}

extension PITRCloneStatus {
  /// Without what the step writes: each field has one manager.
  var ownedByController: PITRCloneStatus {
    var status = self
    status.preflight = nil
    status.progress = nil
    return status
  }
}

extension PointInTime {
  /// The moment in words.
  var summary: String {
    if let time { return "time \(time)" }
    if let lsn { return "LSN \(lsn)" }
    if let xid { return "transaction \(xid)" }
    if let name { return "restore point '\(name)'" }
    return "the last stored commit"
  }
}
