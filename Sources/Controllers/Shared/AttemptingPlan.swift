package import KubeModel
package import KubeRuntime
package import Steps
package import TidemarkAPI

/// What every look at a resource knows.
package protocol Sight {
  /// The generation of the resource's spec.
  var generation: Int64? { get }
  var now: Timestamp { get }
}

/// A plan whose work is a step that is tried several times.
package protocol AttemptingPlan {
  associatedtype Status: AttemptedStatus

  /// How often a step at work is looked at.
  static var pollInterval: Duration { get }
  var status: Status { get set }
  var events: [PlannedEvent] { get set }
  var next: ReconcileResult { get set }
}

/// One thing that a plan asks for; among them is the start of an attempt.
package protocol AttemptingAction: Equatable {
  static var start: Self { get }
}

/// Such a plan that says first, and then acts.
package protocol ActingPlan: AttemptingPlan {
  associatedtype Action: AttemptingAction

  /// What there is to do, in order, when the status has been written.
  var actions: [Action] { get }
}

extension AttemptingPlan {
  mutating func report(_ health: Health, _ seen: some Sight) {
    var conditions = status.conditions ?? []
    conditions.report(health, generation: seen.generation, now: seen.now)
    status.conditions = conditions
  }

  /// Says once what is waited for, before the first attempt.
  mutating func wait(for health: Health, _ seen: some Sight) {
    let before = status.conditions?[type: ConditionType.ready]?.reason
    status.phase = .pending
    report(health, seen)
    if let now = status.conditions?[type: ConditionType.ready], now.reason != before {
      let isUsual = now.reason == Reason.waiting || now.reason == Reason.scaling
      events.append(isUsual ? .normal(now.reason, now.message) : .warning(now.reason, now.message))
    }
    next = .requeue(after: .seconds(2))
  }

  /// Decides about a failure that may pass, and says so where the next attempt is waited for. What gives up or starts is
  /// the caller's to say.
  mutating func decide(_ failure: FailureStatus, _ seen: some Sight) -> Attempts.Decision {
    let begun = status.attempts ?? 1
    let decision = Attempts.decide(attempts: begun, retryAt: status.retryAt, now: seen.now)
    switch decision {
    case .giveUp: break
    case .wait(let moment):
      if status.retryAt == nil { events.append(.warning(failure.code, failure.message + "; tried again at \(moment)")) }
      (status.error, status.retryAt) = (failure, moment)
      report(
        .progressing(
          reason: Reason.retrying,
          message: "attempt \(begun + 1) of \(Attempts.bound) begins at \(moment), after a failure: \(failure.message)"),
        seen)
      next = .requeue(after: .seconds(max(1, moment.secondsSince1970 - seen.now.secondsSince1970)))
    case .start:
      (status.retryAt, status.attempts) = (nil, begun + 1)
      next = .requeue(after: Self.pollInterval)
    }
    return decision
  }

  /// Says once that a spec was changed after the start; `kept` is what goes on as it began.
  mutating func noteChangedSpec(_ kept: String, kind: String, readyReason: String?, _ seen: some Sight) {
    guard let began = status.observedGeneration, let current = seen.generation, began != current else { return }
    let message = "spec changed after the start; \(kept)"
    if readyReason != Reason.specChangeIgnored {
      events.append(.warning(Reason.specChangeIgnored, message + "; create another \(kind) for the new spec"))
    }
    report(.progressing(reason: Reason.specChangeIgnored, message: message), seen)
  }
}

/// What a run has come to, as plans look at it.
package enum StepOutcome: Equatable, Sendable {
  case absent
  case running
  /// It can't go on yet, for this reason.
  case waiting(FailureStatus)
  case done(StepProduct)
  /// For good.
  case failed(FailureStatus)
  /// For now: it said so, or was killed before it could say anything.
  case passing(FailureStatus)
}

extension StepState {
  /// What the run has come to.
  package var outcome: StepOutcome {
    switch self {
    case .absent: .absent
    case .running: .running
    case .waiting(let hindrance): .waiting(hindrance)
    case .ended(.done(let product)): .done(product)
    case .ended(.failed(let failure)): .failed(failure)
    case .ended(.tryAgain(let failure)): .passing(failure)
    case .lost(let lastWords):
      .passing(
        FailureStatus(
          code: Reason.stepLost,
          message: "the step's process was killed or crashed"
            + (lastWords.isEmpty ? "" : "; it last said: \(lastWords)")))
    }
  }
}

extension FailureStatus {
  /// A step said that it is done, and not with what it is for.
  static let otherProduct = FailureStatus(code: Reason.failed, message: "the step ended with another product")
}
