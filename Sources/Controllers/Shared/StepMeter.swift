import Metrics
import Steps
import Synchronization

/// How long steps take, in `tidemark_step_duration_seconds`: from the start to when their end is seen, which is looked
/// for every second or two. Steps that were started before the controller was are not counted.
final class StepMeter: Sendable {
  private struct Begun {
    var step: StepName
    var at: ContinuousClock.Instant
  }

  /// By run; one that is discarded before its end was seen is forgotten at its next start.
  private let begun = Mutex<[StepID: Begun]>([:])

  func started(_ request: StepRequest, now: ContinuousClock.Instant = .now) {
    // A receiver runs until it is told to stop: how long that is says nothing.
    guard request.step != .walReceive else { return }
    begun.withLock { $0[request.id] = Begun(step: request.step, at: now) }
  }

  func saw(_ state: StepState, of id: StepID, now: ContinuousClock.Instant = .now) {
    let result: String
    switch state {
    case .running, .waiting: return
    case .absent:
      begun.withLock { $0[id] = nil }
      return
    case .ended(.done): result = "done"
    case .ended(.failed): result = "failed"
    case .ended(.tryAgain): result = "try-again"
    case .lost: result = "lost"
    }
    guard let begun = begun.withLock({ $0.removeValue(forKey: id) }) else { return }
    Timer(
      label: "tidemark_step_duration_seconds", dimensions: [("step", begun.step.rawValue), ("result", result)]
    ).record(duration: now - begun.at)
  }
}
