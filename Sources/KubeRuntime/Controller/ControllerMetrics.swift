import Metrics

/// A controller's metrics under controller-runtime's names, with the label `controller`.
struct ControllerMetrics: Sendable {
  private let succeeded: Counter
  private let requeued: Counter
  private let errored: Counter
  private let errors: Counter
  private let time: Timer
  private let active: Meter

  init(controller: String) {
    let dimensions = [("controller", controller)]
    func total(_ result: String) -> Counter {
      Counter(label: "controller_runtime_reconcile_total", dimensions: dimensions + [("result", result)])
    }
    succeeded = total("success")
    requeued = total("requeue_after")
    errored = total("error")
    errors = Counter(label: "controller_runtime_reconcile_errors_total", dimensions: dimensions)
    time = Timer(label: "controller_runtime_reconcile_time_seconds", dimensions: dimensions)
    active = Meter(label: "controller_runtime_active_workers", dimensions: dimensions)
  }

  func reconciled(_ result: ReconcileResult, took duration: Duration) {
    switch result {
    case .done: succeeded.increment()
    case .requeue: requeued.increment()
    }
    time.recordNanoseconds(duration.nanoseconds)
  }

  func failed(took duration: Duration) {
    errored.increment()
    errors.increment()
    time.recordNanoseconds(duration.nanoseconds)
  }

  func workerStarted() { active.increment() }

  func workerEnded() { active.decrement() }
}
