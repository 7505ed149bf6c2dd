import KubeRuntime
import TestSupport

extension ManualClock {
  /// The clock as the runtime takes it.
  var runtime: RuntimeClock { RuntimeClock(self) }
}

/// Whether a condition comes true within a bound of real time.
func soon(within bound: Duration = .seconds(10), _ condition: () async throws -> Bool) async rethrows -> Bool {
  let end = ContinuousClock.now + bound
  while ContinuousClock.now < end {
    if try await condition() { return true }
    try? await Task.sleep(for: .milliseconds(2))
  }
  return try await condition()
}
