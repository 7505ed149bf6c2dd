internal import Synchronization

/// Spaces out bytes so that no more than so many a second pass, over all that share the limit.
///
/// A bucket of tokens, kept as the moment at which it would be full: who takes bytes moves that moment on, and waits
/// until it lies no more than a quarter of a second ahead.
package final class BandwidthLimit: Sendable {
  private let bytesPerSecond: Double
  private let fullAt: Mutex<ContinuousClock.Instant>
  package static let burst = Duration.milliseconds(250)

  /// Nil when there is no limit.
  package init?(bytesPerSecond: Int64?) {
    guard let bytesPerSecond, bytesPerSecond > 0 else { return nil }
    self.bytesPerSecond = Double(bytesPerSecond)
    fullAt = Mutex(.now)
  }

  /// Returns when `count` bytes may pass.
  func take(_ count: Int) async throws {
    let wait = reserve(count, at: .now)
    if wait > .zero { try await Task.sleep(for: wait) }
  }

  /// Books `count` bytes; gives the time to wait before they may pass.
  package func reserve(_ count: Int, at now: ContinuousClock.Instant) -> Duration {
    fullAt.withLock { fullAt in
      fullAt = max(fullAt, now) + .seconds(Double(count) / bytesPerSecond)
      return max(.zero, now.duration(to: fullAt) - Self.burst)
    }
  }
}
