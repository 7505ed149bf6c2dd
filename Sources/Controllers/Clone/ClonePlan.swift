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
package struct ClonePlan: RestoringPlan, Equatable, Sendable {
  package var first: [RestoreAction] = []
  package var status: PITRCloneStatus
  package var then: [RestoreAction] = []
  package var events: [PlannedEvent] = []
  package var next: ReconcileResult = .done

  package static let kind = "PITRClone"

  package static func make(_ seen: CloneObservation) -> ClonePlan {
    var plan = ClonePlan(status: seen.clone.status?.ownedByController ?? PITRCloneStatus())
    if seen.clone.metadata.isDeleting {
      plan.delete(seen)
    } else if plan.status.phase?.isFinal == true {
      plan.settle(seen.sight)
    } else if !seen.clone.metadata.finalizers.contains(TidemarkGroup.finalizer) {
      plan.first = [.addFinalizer]
    } else {
      plan.proceed(seen)
    }
    // The Database may be there before this status says so, and then the instance is its own.
    if seen.isAdopted { plan.then.removeAll { $0 == .removeInstance } }
    return plan
  }

  private mutating func proceed(_ seen: CloneObservation) {
    if case .ended(.done) = seen.run, seen.source == nil {
      let message = "Database \(seen.clone.spec.database) was deleted while its clone recovered: its role is not known"
      return fail(FailureStatus(code: Reason.databaseNotFound, message: message), seen.sight)
    }
    let recovered = proceed(seen.sight, moment: seen.clone.spec.pointInTime.summary, obstacle: obstacle(seen))
    if let (product, instance) = recovered { complete(product, instance, seen) }
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
    return seen.destination.obstacle(called: pitr.destinationName)
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
    report(.ready(reason: Reason.completed, message: message), seen.sight)
    events.append(
      .normal(
        Reason.completed, "\(message) and takes connections at \(instance.endpoint.host):\(instance.endpoint.port)"))
    then = [.discardRun]
    next = .done
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
}

extension CloneObservation {
  /// Whether the new Database is there, and lives on the instance.
  fileprivate var isAdopted: Bool {
    namesake?.metadata.annotations[TidemarkAnnotation.instance] == clone.instanceID.name
  }

  var sight: RestoreSight {
    RestoreSight(
      generation: clone.metadata.generation,
      readyReason: clone.status?.conditions?[type: ConditionType.ready]?.reason,
      isFound: clone.status?.preflight != nil, run: run, instance: instance, now: now)
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
