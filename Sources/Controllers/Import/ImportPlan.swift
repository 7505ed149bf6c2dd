package import KubeModel
package import KubeRuntime
package import Steps
package import TidemarkAPI

/// What a reconcile of a RestoreRequest that loads a dump sees.
package struct ImportObservation: Sendable {
  package var request: RestoreRequest
  /// The logical Backup that the source names.
  package var backup: Backup?
  /// The Database that the dump is loaded into.
  package var database: Database?
  /// Where the dump lies.
  package var destination: BackupDestination?
  /// The run of its `import` step.
  package var run: StepState
  package var now: Timestamp

  /// What was seen.
  package init(
    request: RestoreRequest, backup: Backup? = nil, database: Database?, destination: BackupDestination?,
    run: StepState, now: Timestamp
  ) {
    self.request = request
    self.backup = backup
    self.database = database
    self.destination = destination
    self.run = run
    self.now = now
  }
}

/// What there is to do about a RestoreRequest that loads a dump: what to say, then what follows from that.
package struct ImportPlan: ActingPlan, Equatable, Sendable {
  /// One thing to do.
  package enum Action: AttemptingAction, Sendable {
    case addFinalizer
    /// Starts the `import` step, discarding an earlier run of it first.
    case start
    case stopRun
    case discardRun
    /// Drops what an import that did not end has loaded.
    case dropTemporary
    /// Removes the dump, which was staged for this alone.
    case removeStaged
    case removeFinalizer
  }

  package var status: RestoreRequestStatus
  package var actions: [Action] = []
  package var events: [PlannedEvent] = []
  package var next: ReconcileResult = .done

  package static let pollInterval: Duration = .seconds(1)
  /// For how long a server that does not answer is asked to drop what was loaded, before that is left to a person.
  package static let patience: Int64 = 300

  package static func make(_ seen: ImportObservation) -> ImportPlan {
    var plan = ImportPlan(status: seen.request.status?.ownedByController ?? RestoreRequestStatus())
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

  private mutating func proceed(_ seen: ImportObservation) {
    switch seen.run.outcome {
    case .absent: begin(seen)
    case .running: watch(seen)
    case .waiting(let hindrance):
      watch(seen)
      report(.progressing(reason: hindrance.code, message: hindrance.message), seen)
    case .done(.loadedDump(let loaded)): complete(loaded, seen)
    case .done: fail(.otherProduct, seen)
    case .failed(let failure): fail(failure, seen)
    case .passing(let failure): tryAgain(failure, seen)
    }
  }

  // MARK: On the way

  private mutating func begin(_ seen: ImportObservation) {
    status.database = seen.request.importedDatabase(seen.backup)
    switch seen.obstacle {
    case .stalled(let reason, let message): fail(FailureStatus(code: reason, message: message), seen)
    case let health?: wait(for: health, seen)
    case nil: start(seen)
    }
  }

  private mutating func start(_ seen: ImportObservation) {
    status.phase = .preflight
    status.attempts = (status.attempts ?? 0) + 1
    status.startedAt = status.startedAt ?? seen.now
    status.begunWith = seen.request.source
    status.observedGeneration = seen.request.metadata.generation
    status.loaded = status.loaded ?? seen.names.map { LoadedDump(database: $0.database) }
    report(.progressing(reason: "Preflight", message: "looking for the dump, and at what the role may do"), seen)
    events.append(.normal("Started", "loading a dump into Database \(status.database ?? "")"))
    actions = [.start]
    next = .requeue(after: Self.pollInterval)
  }

  private mutating func watch(_ seen: ImportObservation) {
    status.attempts = max(1, status.attempts ?? 0)
    status.startedAt = status.startedAt ?? seen.now
    status.observedGeneration = status.observedGeneration ?? seen.request.metadata.generation
    next = .requeue(after: Self.pollInterval)
    if seen.request.status?.progress == nil {
      status.phase = .preflight
      report(.progressing(reason: "Preflight", message: "looking for the dump, and at what the role may do"), seen)
    } else {
      status.phase = .restoring
      report(.progressing(reason: "Restoring", message: "the dump is being loaded into a database of its own"), seen)
    }
    noteChangedSpec(seen)
  }

  private mutating func complete(_ loaded: LoadedDump, _ seen: ImportObservation) {
    status.phase = .completed
    status.restoredAt = seen.now
    status.completedAt = seen.now
    status.loaded = loaded
    status.error = nil
    status.retryAt = nil
    let kept = loaded.keptAs.map { "; what had that name before is kept as \($0)" } ?? ""
    let message = "the dump is loaded as database \(loaded.database)\(kept)"
    report(.ready(reason: Reason.completed, message: message), seen)
    events.append(.normal(Reason.completed, message))
    actions = (seen.isStaged ? [.removeStaged] : []) + [.discardRun]
  }

  private mutating func tryAgain(_ failure: FailureStatus, _ seen: ImportObservation) {
    switch decide(failure, seen) {
    case .giveUp: fail(failure, seen)
    case .wait: break
    case .start:
      status.phase = .preflight
      report(
        .progressing(
          reason: Reason.running, message: "attempt \(status.attempts ?? 1) of \(Attempts.bound) is at work"), seen)
      actions = [.start]
    }
  }

  private mutating func fail(_ failure: FailureStatus, _ seen: ImportObservation) {
    status.phase = .failed
    status.completedAt = seen.now
    status.loaded = nil
    status.retryAt = nil
    status.error = failure
    status.observedGeneration = seen.request.metadata.generation
    report(.stalled(reason: failure.code, message: failure.message), seen)
    events.append(.warning(failure.code, failure.message + "; create another RestoreRequest when this is mended"))
    // Where the step never ran, it left nothing.
    if seen.run != .absent { actions = [.dropTemporary, .discardRun] }
  }

  // MARK: At the end

  /// What has to follow the end, and a crash may have come before.
  private mutating func settle(_ seen: ImportObservation) {
    guard seen.run != .absent else { return }
    if seen.run.isAtWork { actions.append(.stopRun) }
    if status.phase == .completed {
      if seen.isStaged { actions.append(.removeStaged) }
    } else if isWithinPatience(status.completedAt, seen), seen.database != nil {
      actions.append(.dropTemporary)
    } else {
      events.append(leftBehind(seen))
    }
    actions.append(.discardRun)
  }

  private mutating func delete(_ seen: ImportObservation) {
    guard seen.request.metadata.finalizers.contains(TidemarkGroup.finalizer) else { return }
    actions = [.stopRun]
    if status.phase != .completed, status.attempts != nil {
      if seen.database != nil, isWithinPatience(seen.request.metadata.deletionTimestamp, seen) {
        actions.append(.dropTemporary)
      } else {
        events.append(leftBehind(seen))
      }
    }
    if seen.isStaged, seen.destination != nil { actions.append(.removeStaged) }
    actions += [.discardRun, .removeFinalizer]
  }

  private func isWithinPatience(_ since: Timestamp?, _ seen: ImportObservation) -> Bool {
    seen.now.secondsSince1970 - (since ?? seen.now).secondsSince1970 < Self.patience
  }

  private func leftBehind(_ seen: ImportObservation) -> PlannedEvent {
    .warning(
      "TemporaryDatabaseLeft",
      "the server could not be asked to drop the database that was being loaded; drop the one whose name ends in "
        + ImportNames.temporaryEnding(uid: seen.request.metadata.uid ?? ""))
  }

  private mutating func noteChangedSpec(_ seen: ImportObservation) {
    noteChangedSpec(
      "what is at work keeps the dump and the name it began with", kind: "RestoreRequest",
      readyReason: seen.request.status?.conditions?[type: ConditionType.ready]?.reason, seen)
  }
}

extension ImportObservation: Sight {
  package var generation: Int64? { request.metadata.generation }
}
