import Dispatch
import Metrics
import Synchronization

/// The field's metrics of a Kubernetes client: `rest_client_requests_total` and `rest_client_request_duration_seconds`.
final class RequestMetrics: Sendable {
  private struct Key: Hashable {
    var code: String
    var method: String
  }

  private struct Instruments {
    var counters: [Key: Counter] = [:]
    var timers: [String: Timer] = [:]
  }

  private let host: String
  private let instruments = Mutex(Instruments())

  init(host: String) { self.host = host }

  /// Counts one answer; `code` is the HTTP status, or `<error>` where none came.
  func record(code: String, method: String, since start: ContinuousClock.Instant) {
    let elapsed = ContinuousClock.now - start
    let (counter, timer) = instruments.withLock { instruments in
      let key = Key(code: code, method: method)
      let counter =
        instruments.counters[key]
        ?? Counter(
          label: "rest_client_requests_total", dimensions: [("code", code), ("method", method), ("host", host)])
      instruments.counters[key] = counter
      let timer =
        instruments.timers[method]
        ?? Timer(label: "rest_client_request_duration_seconds", dimensions: [("verb", method), ("host", host)])
      instruments.timers[method] = timer
      return (counter, timer)
    }
    counter.increment()
    timer.record(duration: elapsed)
  }
}
