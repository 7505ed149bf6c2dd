/// Delays that double from one failure to the next: 5 ms, 10 ms, 20 ms … up to a limit.
///
/// The default is the work queue's: 5 ms to 16 min, as client-go has it (there the limit is 1,000 s).
public struct ExponentialBackoff: Hashable, Sendable {
  /// The delay after the first failure.
  public var initial: Duration
  /// No delay is longer.
  public var limit: Duration

  /// Delays from `initial` to `limit`.
  public init(initial: Duration = .milliseconds(5), limit: Duration = .seconds(16 * 60)) {
    self.initial = initial
    self.limit = limit
  }

  /// The delay after so many failures in a row; zero after none.
  public func delay(afterFailures failures: Int) -> Duration {
    guard failures > 0 else { return .zero }
    // 2^62 times any useful initial delay is past any useful limit, and does not overflow a Duration.
    let factor = Int64(1) << Int64(min(failures - 1, 62))
    let nanoseconds = initial.nanoseconds.multipliedReportingOverflow(by: factor)
    guard !nanoseconds.overflow else { return limit }
    return min(limit, .nanoseconds(nanoseconds.partialValue))
  }
}

/// Jittered delays for a connection that is tried again: each is drawn between the current base and twice that, the
/// base doubles, and after a time of health it starts at the beginning.
///
/// Every delay lies between `initial` and `limit`. 'Health' is that nothing asked for a delay during `resetAfter`;
/// time spent in the delay itself does not count.
public struct ConnectionBackoff: Hashable, Sendable {
  /// The shortest delay.
  public var initial: Duration
  /// The longest delay.
  public var limit: Duration
  /// After so long without a failure the next delay is short again.
  public var resetAfter: Duration

  private var base: Duration
  private var healthySince: MonotonicTime?

  /// The reflector's delays by default: 0.8 s to 30 s, reset after 2 min.
  public init(
    initial: Duration = .milliseconds(800), limit: Duration = .seconds(30), resetAfter: Duration = .seconds(120)
  ) {
    self.initial = initial
    self.limit = limit
    self.resetAfter = resetAfter
    self.base = initial
  }

  /// The delay to take now.
  public mutating func next(now: MonotonicTime, using random: inout some RandomNumberGenerator) -> Duration {
    if let healthySince, now - healthySince >= resetAfter { base = initial }
    let upper = min(limit, base * 2)
    let delay = Duration.random(in: min(base, upper)...upper, using: &random)
    base = min(limit / 2, base * 2)
    healthySince = now + delay
    return delay
  }
}

extension Duration {
  /// Whole nanoseconds, saturated where they don't fit.
  package var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let scaled = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    guard !scaled.overflow else { return seconds < 0 ? .min : .max }
    let sum = scaled.partialValue.addingReportingOverflow(attoseconds / 1_000_000_000)
    return sum.overflow ? .max : sum.partialValue
  }

  /// Seconds, for metrics.
  package var seconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) + Double(attoseconds) * 1e-18
  }

  /// A duration drawn evenly from `range`, to the nanosecond.
  package static func random(
    in range: ClosedRange<Duration>, using random: inout some RandomNumberGenerator
  ) -> Duration {
    .nanoseconds(Int64.random(in: range.lowerBound.nanoseconds...range.upperBound.nanoseconds, using: &random))
  }
}
