import Metrics

/// A queue's metrics under client-go's names, with the label `name`.
struct WorkQueueMetrics: Sendable {
  private let depth: Meter
  private let adds: Counter
  private let retries: Counter
  private let queueDuration: Timer
  private let workDuration: Timer
  private let unfinished: Meter
  private let longest: Meter

  init(queue: String) {
    let dimensions = [("name", queue)]
    depth = Meter(label: "workqueue_depth", dimensions: dimensions)
    adds = Counter(label: "workqueue_adds_total", dimensions: dimensions)
    retries = Counter(label: "workqueue_retries_total", dimensions: dimensions)
    queueDuration = Timer(label: "workqueue_queue_duration_seconds", dimensions: dimensions)
    workDuration = Timer(label: "workqueue_work_duration_seconds", dimensions: dimensions)
    unfinished = Meter(label: "workqueue_unfinished_work_seconds", dimensions: dimensions)
    longest = Meter(label: "workqueue_longest_running_processor_seconds", dimensions: dimensions)
  }

  func waited(_ duration: Duration) {
    queueDuration.recordNanoseconds(duration.nanoseconds)
  }

  func record(added: Int, retries retried: Int, worked: Duration?, depth waiting: Int) {
    if added > 0 { adds.increment(by: added) }
    if retried > 0 { retries.increment(by: retried) }
    if let worked { workDuration.recordNanoseconds(worked.nanoseconds) }
    depth.set(waiting)
  }

  func running(_ durations: [Duration]) {
    unfinished.set(durations.reduce(.zero, +).seconds)
    longest.set((durations.max() ?? .zero).seconds)
  }
}
