package import KubeModel
package import KubeRuntime
package import Steps
package import TidemarkAPI

/// What a reconcile of a RestoreRequest for an instance sees.
package struct RestoreObservation: Sendable {
  package var restore: RestoreRequest
  /// The Database whose clients are to be on what is restored.
  package var database: Database?
  /// The Database whose data are restored, where it is another one.
  package var source: Database?
  /// The Backup that `source.backupName` names.
  package var backup: Backup?
  /// Where the base backup and the log lie.
  package var destination: BackupDestination?
  /// The run of its `restore-database` step.
  package var run: StepState
  /// The restored instance; from its recovery until it is first switched to.
  package var instance: InstanceState
  /// What the recovered server lacks of that by which the Database is reached; nil: nothing.
  package var lack: String?
  /// Both servers, from when the instance is restored on.
  package var switchOver: SwitchObservation?
  package var now: Timestamp

  /// What was seen.
  package init(
    restore: RestoreRequest, database: Database?, source: Database? = nil, backup: Backup? = nil,
    destination: BackupDestination?, run: StepState, instance: InstanceState, lack: String? = nil,
    switchOver: SwitchObservation? = nil, now: Timestamp
  ) {
    self.restore = restore
    (self.database, self.source) = (database, source)
    self.backup = backup
    self.destination = destination
    self.run = run
    self.instance = instance
    self.lack = lack
    self.switchOver = switchOver
    self.now = now
  }
}

/// What there is to do about a RestoreRequest that restores an instance: what comes first, then what to say, then what
/// follows from that.
package struct RestorePlan: RestoringPlan, Sendable {
  package var first: [RestoreAction] = []
  package var status: RestoreRequestStatus
  package var then: [RestoreAction] = []
  package var events: [PlannedEvent] = []
  package var next: ReconcileResult = .done
  /// What there is to do about the clients, before and after the status is written.
  package var switchFirst: [SwitchPlan.Action] = []
  package var switchThen: [SwitchPlan.Action] = []

  package static let kind = "RestoreRequest"

  package static func make(_ seen: RestoreObservation) -> RestorePlan {
    var plan = RestorePlan(status: seen.restore.status?.ownedByController ?? RestoreRequestStatus())
    if seen.restore.metadata.isDeleting {
      plan.delete(seen)
    } else if plan.status.phase == .failed {
      plan.settle(seen.sight)
    } else if !seen.restore.metadata.finalizers.contains(TidemarkGroup.finalizer) {
      plan.first = [.addFinalizer]
    } else if plan.status.phase?.isRestored == true {
      plan.keep(seen)
    } else {
      plan.restore(seen)
    }
    return plan
  }

  // MARK: Up to the instance

  private mutating func restore(_ seen: RestoreObservation) {
    status.database = seen.restore.databaseName(seen.backup)
    if case .absent = seen.run { status.strategy = seen.restore.spec.strategy }
    if seen.run != .absent, let lost = loss(seen) { return fail(lost, seen.sight) }
    let source = seen.restore.source
    let moment = source.pointInTime?.moment.summary ?? "the end of Backup \(source.backupName ?? "")"
    let recovered = proceed(seen.sight, moment: moment, obstacle: obstacle(seen))
    if then.contains(.startRun) { (status.begunWith, status.sourceDatabase) = (source, seen.foreignSource) }
    if let (product, instance) = recovered {
      if let lack = seen.lack { awaitFit(lack, instance, seen) } else { becomeReady(product, instance, seen) }
    }
  }

  /// What went away that the restore was for, or that another attempt would need.
  private func loss(_ seen: RestoreObservation) -> FailureStatus? {
    if seen.database?.metadata.isDeleting != false {
      let message = "Database \(status.database ?? "") was deleted while it was being restored"
      return FailureStatus(code: Reason.databaseNotFound, message: message)
    }
    guard status.retryAt != nil else { return nil }
    if let name = seen.restore.source.backupName, seen.backup == nil {
      return FailureStatus(
        code: Reason.backupNotFound, message: "Backup \(name) was deleted while it was being restored")
    }
    if let name = seen.restore.source.pointInTime?.database, seen.origin == nil {
      return FailureStatus(
        code: Reason.databaseNotFound, message: "Database \(name) was deleted while a moment of it was being restored")
    }
    return nil
  }

  private func obstacle(_ seen: RestoreObservation) -> Health? {
    let spec = seen.restore.spec
    let problems = spec.problems()
    guard problems.isEmpty else { return .stalled(reason: Reason.invalidSpec, message: problems.summary) }
    if let health = obstacleOfSource(seen) { return health }
    guard let source = seen.restore.sourceName(seen.backup) else {
      return .stalled(
        reason: Reason.unsupported, message: "this version restores Databases; name the Backup or moment of one")
    }
    guard let name = seen.restore.databaseName(seen.backup) else {
      return .stalled(
        reason: Reason.unsupported,
        message: "the source is Database \(source), and the target is none; set target.database, or leave target out")
    }
    guard let database = seen.database, !database.metadata.isDeleting else {
      return .progressing(reason: Reason.databaseNotFound, message: "Database \(name) is not there; create it")
    }
    if let health = obstacleOfMoment(seen) { return health }
    return spec.strategy == .inPlace ? Self.obstacle(inPlace: database) : nil
  }

  private func obstacleOfSource(_ seen: RestoreObservation) -> Health? {
    guard let name = seen.restore.source.backupName else { return nil }
    guard let backup = seen.backup else {
      return .progressing(reason: Reason.backupNotFound, message: "Backup \(name) is not there; create it")
    }
    guard backup.subject.target.database != nil, backup.subject.method == .physical else {
      return .stalled(
        reason: Reason.unsupported, message: "Backup \(name) is no base backup; an instance is restored from one only")
    }
    switch backup.status?.phase {
    case .completed where backup.status?.snapshot != nil:
      return seen.destination.obstacle(called: backup.subject.destinationName)
    case .failed, .deleting, .completed:
      return .stalled(
        reason: Reason.backupNotCompleted, message: "Backup \(name) holds nothing to restore; choose another")
    case .pending, .running, nil:
      return .progressing(reason: Reason.backupNotCompleted, message: "Backup \(name) has not Completed yet")
    }
  }

  private func obstacleOfMoment(_ seen: RestoreObservation) -> Health? {
    guard let source = seen.restore.source.pointInTime else { return nil }
    guard let origin = seen.origin, !origin.metadata.isDeleting else {
      return .progressing(
        reason: Reason.databaseNotFound, message: "Database \(source.database) is not there; create it")
    }
    guard let pitr = origin.spec.pitr else {
      return .stalled(
        reason: Reason.disabled,
        message: "Database \(source.database) has no spec.pitr, so there is no archive to restore from")
    }
    if let health = seen.destination.obstacle(called: pitr.destinationName) { return health }
    guard source.moment.incarnation != nil || origin.switchingRestore == nil else {
      return .progressing(
        reason: Reason.waiting, message: "clients of the Database are being moved; the moment is looked for after that")
    }
    return nil
  }

  /// Data directories can be exchanged only where they are ours.
  private static func obstacle(inPlace database: Database) -> Health? {
    guard database.liveInstance.name == nil else { return nil }
    let where_ = database.spec.workload.map { "in \($0.kind) \($0.name)" } ?? "outside of Tidemark"
    return .stalled(
      reason: Reason.unsupported,
      message: "the live server runs \(where_), where this version can't exchange its data; set spec.strategy to "
        + "SideBySide, which restores beside it and moves the clients")
  }

  // MARK: From the instance on

  /// Clients could not come in, and nor could Tidemark.
  private mutating func awaitFit(_ lack: String, _ instance: RunningInstance, _ seen: RestoreObservation) {
    let message =
      "the restored server lacks \(lack), by which Database \(status.database ?? "") is reached; create it there, at "
      + "\(instance.endpoint), or delete this RestoreRequest"
    if seen.sight.readyReason != Reason.targetUnfit { events.append(.warning(Reason.targetUnfit, message)) }
    report(.stalled(reason: Reason.targetUnfit, message: message), seen.sight)
    next = .requeue(after: .seconds(5))
  }

  private mutating func becomeReady(
    _ product: RestoredDatabaseProduct, _ instance: RunningInstance, _ seen: RestoreObservation
  ) {
    first = [.adopt(product, instance)]
    status.phase = .readyToSwitch
    status.restoredAt = seen.now
    status.recoveredTo = instance.recoveredTo
    (status.error, status.retryAt) = (nil, nil)
    status.instance = seen.restore.restoredInstance(product, instance, of: seen.foreignSource)
    let moment = instance.recoveredTo.time.map { "the commit of \($0)" } ?? "the base backup's end"
    let message = "everything up to \(moment) is restored"
    report(.progressing(reason: Reason.readyToSwitch, message: message), seen.sight)
    events.append(.normal("Restored", "\(message), at \(instance.endpoint)"))
    then = [.discardRun]
    next = .requeue(after: .zero)
  }

  private mutating func keep(_ seen: RestoreObservation) {
    settle(seen.sight)
    guard let sight = seen.switchOver else { return }
    let plan = SwitchPlan.make(sight)
    status = plan.status
    events += plan.events
    next = plan.next
    (switchFirst, switchThen) = (plan.first, plan.then)
    keepRunning(seen)
  }

  /// As long as it was never switched to, the restored instance is there to be looked at.
  private mutating func keepRunning(_ seen: RestoreObservation) {
    guard status.phase == .readyToSwitch, status.completedAt == nil, let major = status.instance?.serverMajor,
      seen.database?.metadata.isDeleting == false
    else { return }
    switch seen.instance {
    case .stopped, .failed: then.append(.startInstance(serverMajor: major))
    default: break
    }
  }

  // MARK: At the end

  private mutating func delete(_ seen: RestoreObservation) {
    guard seen.restore.metadata.finalizers.contains(TidemarkGroup.finalizer) else { return }
    if status.switching != nil, seen.database != nil {
      // It is finished where clients were moved, and undone where not.
      return keep(seen)
    }
    then = [.stopRun, .discardRun]
    // What clients were on once, or are now by whatever way, belongs to the Database; before that it belongs to nobody
    // else.
    let isUnused = status.phase?.isRestored != true || status.completedAt == nil
    if isUnused, !seen.isLive { then.append(.removeInstance) }
    then.append(.removeFinalizer)
  }
}

extension RestoreObservation {
  /// The Database whose data are restored.
  var origin: Database? { foreignSource == nil ? database : source }

  /// Whether the Database's clients are on what was restored, or where it was restored.
  fileprivate var isLive: Bool {
    guard let database else { return false }
    return database.isOn(restore) || database.liveInstance.name == restore.instanceID.name
  }

  /// Its name, where it is not the one whose clients are moved.
  var foreignSource: String? { restore.foreignSource(backup) }

  var sight: RestoreSight {
    RestoreSight(
      generation: restore.metadata.generation,
      readyReason: restore.status?.conditions?[type: ConditionType.ready]?.reason,
      isFound: restore.status?.preflight != nil, run: run, instance: instance, now: now)
  }
}

extension RestorePhase {
  /// Whether there is an instance that takes connections, or did.
  var isRestored: Bool { self == .readyToSwitch || self == .switching || self == .completed }
}

extension RestoreRequestStatus {
  /// Without what the step writes: each field has one manager.
  var ownedByController: RestoreRequestStatus {
    var status = self
    status.preflight = nil
    status.progress = nil
    return status
  }
}

extension RestoreRequest {
  /// The Database whose data are restored: the one that was backed up.
  func sourceName(_ backup: Backup?) -> String? {
    // Once it has begun, its Backup may go.
    if status?.begunWith != nil { return status?.sourceDatabase ?? status?.database }
    return spec.source.pointInTime?.database ?? backup?.subject.target.database
  }

  /// The Database whose clients are to be on what is restored: the target, or what was backed up. Once it has begun, a
  /// change of the spec changes nothing.
  func databaseName(_ backup: Backup?) -> String? {
    if let known = status?.database, status?.phase != .pending { return known }
    guard let target = spec.target else { return sourceName(backup) }
    return target.database
  }

  /// The Database whose data are restored, where it is not the one whose clients are moved.
  func foreignSource(_ backup: Backup?) -> String? {
    guard let name = sourceName(backup), name != databaseName(backup) else { return nil }
    return name
  }
}
