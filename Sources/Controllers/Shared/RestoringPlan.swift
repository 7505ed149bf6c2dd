package import KubeModel
import KubeRuntime
package import Steps
package import TidemarkAPI

/// One thing to do on the way to a restored instance.
package enum RestoreAction: Equatable, Sendable {
  case addFinalizer
  /// Makes a place for the instance and starts the `restore-database` step, discarding an earlier run of it.
  case startRun
  case stopRun
  case discardRun
  case startInstance(serverMajor: Int)
  /// Ends the recovery's settings, and makes of the instance what it was restored for.
  case adopt(RestoredDatabaseProduct, RunningInstance)
  case removeInstance
  case removeFinalizer
}

/// What is seen of a restored instance on its way.
package struct RestoreSight: Sight, Sendable {
  /// The resource that asked for it.
  package var generation: Int64?
  /// The reason of its Ready as it stands now.
  package var readyReason: String?
  /// Whether the step has found what the recovery needs.
  package var isFound: Bool
  /// The run of its `restore-database` step.
  package var run: StepState
  package var instance: InstanceState
  package var now: Timestamp
}

/// A plan that leads to a restored instance: what those of PITRClones and of RestoreRequests have in common.
///
/// From the first attempt on to the instance that takes connections; what is made of that, each plan says for itself.
package protocol RestoringPlan: AttemptingPlan where Status: RestoringStatus {
  /// The kind, for messages.
  static var kind: String { get }
  /// What has to be done before the status may say so.
  var first: [RestoreAction] { get set }
  var then: [RestoreAction] { get set }
}

extension RestoringPlan {
  package static var pollInterval: Duration { .seconds(1) }

  /// Goes one step on. Gives what was restored once the instance takes connections, nil before.
  ///
  /// `obstacle` says why the step can't be started now, and `moment` what is restored, in words.
  mutating func proceed(
    _ seen: RestoreSight, moment: String, obstacle: Health?
  ) -> (RestoredDatabaseProduct, RunningInstance)? {
    if let failure = status.error, status.retryAt != nil, !seen.run.isAtWork {
      tryAgain(failure, seen)
      return nil
    }
    switch seen.run.outcome {
    case .absent: begin(seen, moment: moment, obstacle: obstacle)
    case .running: watchRestore(seen)
    case .waiting(let hindrance):
      watchRestore(seen)
      report(.progressing(reason: hindrance.code, message: hindrance.message), seen)
    case .done(.restoredDatabase(let product)): return watchRecovery(product, seen)
    case .done: fail(.otherProduct, seen)
    case .failed(let failure): fail(failure, seen)
    case .passing(let failure): tryAgain(failure, seen)
    }
    return nil
  }

  // MARK: Before anything is created

  private mutating func begin(_ seen: RestoreSight, moment: String, obstacle: Health?) {
    switch obstacle {
    case .stalled(let reason, let message): fail(FailureStatus(code: reason, message: message), seen)
    case let health?: wait(for: health, seen)
    case nil:
      status.phase = .preflight
      status.attempts = (status.attempts ?? 0) + 1
      status.startedAt = status.startedAt ?? seen.now
      status.observedGeneration = seen.generation
      report(.progressing(reason: "Preflight", message: "looking for what the recovery needs"), seen)
      events.append(.normal("Started", "looking for a base backup and log up to \(moment)"))
      then = [.startRun]
      next = .requeue(after: Self.pollInterval)
    }
  }

  // MARK: Restore and recovery

  private mutating func watchRestore(_ seen: RestoreSight) {
    status.attempts = max(1, status.attempts ?? 0)
    status.startedAt = status.startedAt ?? seen.now
    status.observedGeneration = status.observedGeneration ?? seen.generation
    if seen.isFound {
      if status.phase != .restoring { events.append(.normal("Restoring", "the base backup is being restored")) }
      status.phase = .restoring
      report(.progressing(reason: "Restoring", message: "the base backup is being restored"), seen)
    } else {
      status.phase = .preflight
      report(.progressing(reason: "Preflight", message: "looking for what the recovery needs"), seen)
    }
    noteChangedSpec(seen)
    next = .requeue(after: Self.pollInterval)
  }

  private mutating func watchRecovery(
    _ product: RestoredDatabaseProduct, _ seen: RestoreSight
  ) -> (RestoredDatabaseProduct, RunningInstance)? {
    next = .requeue(after: Self.pollInterval)
    if status.phase != .recovering { events.append(.normal("Recovering", "the new instance replays its log")) }
    status.phase = .recovering
    var message = "the new instance replays its log"
    switch seen.instance {
    case .absent:
      tryAgain(FailureStatus(code: "InstanceLost", message: "the restored data directory is gone"), seen)
      return nil
    case .stopped: then = [.startInstance(serverMajor: product.serverMajor)]
    case .starting: break
    case .waiting(let why): message += "; \(why)"
    case .recovering(let replayed): if let replayed { message += ", up to \(replayed) so far" }
    case .running(let instance): return (product, instance)
    case .failed(let lastWords):
      fail(
        FailureStatus(
          code: "RecoveryFailed",
          message: "the new instance ended before it took connections; it last said: \(lastWords)"),
        seen)
      return nil
    }
    report(.progressing(reason: "Recovering", message: message), seen)
    noteChangedSpec(seen)
    return nil
  }

  private mutating func tryAgain(_ failure: FailureStatus, _ seen: RestoreSight) {
    switch decide(failure, seen) {
    case .giveUp: fail(failure, seen)
    case .wait: status.phase = .preflight
    case .start:
      report(.progressing(reason: "Preflight", message: "looking for what the recovery needs"), seen)
      then = [.startRun]
    }
  }

  mutating func fail(_ failure: FailureStatus, _ seen: RestoreSight) {
    status.phase = .failed
    status.completedAt = seen.now
    status.error = failure
    status.retryAt = nil
    status.observedGeneration = seen.generation
    report(.stalled(reason: failure.code, message: failure.message), seen)
    events.append(.warning(failure.code, failure.message + "; create another \(Self.kind) when this is mended"))
    // A run that is still at work writes into what is removed.
    then = (seen.run.isAtWork ? [.stopRun] : []) + [.discardRun, .removeInstance]
    next = .done
  }

  // MARK: At the end

  /// Clears away what a crash may have left between the last status and what follows it.
  mutating func settle(_ seen: RestoreSight) {
    if seen.run != .absent { then.append(seen.run.isAtWork ? .stopRun : .discardRun) }
    if status.phase == .failed, seen.instance != .absent { then.append(.removeInstance) }
  }

  private mutating func noteChangedSpec(_ seen: RestoreSight) {
    noteChangedSpec(
      "what is under way keeps the moment and names it began with", kind: Self.kind, readyReason: seen.readyReason, seen
    )
  }
}

extension BackupDestination? {
  /// Why a restore can't read from the destination called `name`; nil when it can.
  func obstacle(called name: String) -> Health? {
    guard let destination = self else {
      return .progressing(
        reason: Reason.destinationNotFound, message: "BackupDestination \(name) is not there; create it")
    }
    guard destination.status?.conditions?.isTrue(ConditionType.ready) == true else {
      let why = destination.status?.conditions?[type: ConditionType.ready]?.message ?? "it was not validated yet"
      return .progressing(
        reason: Reason.destinationNotReady, message: "BackupDestination \(name) is not Ready: \(why)")
    }
    return nil
  }
}
