/// How long a store goes on trying what may succeed later.
public struct RetryPolicy: Sendable, Hashable {
  /// Requests in all for one operation, the first included; 10 by default. Counted anew after every progress.
  public var attempts: Int = 10
  /// No new attempt begins when this much time has passed since the first one failed; 60 s by default.
  public var patience: Duration = .seconds(60)
  /// The longest wait before the second attempt; doubled for each one after.
  public var firstDelay: Duration = .milliseconds(100)
  /// The longest wait of all.
  public var longestDelay: Duration = .seconds(8)

  /// The defaults.
  public init() {}

  /// Fails at the first failure.
  public static var never: RetryPolicy {
    var policy = RetryPolicy()
    policy.attempts = 1
    return policy
  }
}

/// The course of one operation's attempts: takes failures, says what to do next. Knows no clock and no dice.
package struct RetryCourse {
  package enum Decision: Equatable {
    case giveUp
    case retry(after: Duration)
  }

  let policy: RetryPolicy
  /// Attempts that failed since the last progress.
  private(set) var failures = 0
  private var firstFailure: ContinuousClock.Instant?

  package init(_ policy: RetryPolicy) { self.policy = policy }

  /// An attempt failed. `dice` is between 0 and 1: the wait is that part of the longest one, so that clients that
  /// failed together do not come back together ('full jitter'). `minimum` is what the server asked for.
  package mutating func failed(at now: ContinuousClock.Instant, minimum: Duration?, dice: Double) -> Decision {
    failures += 1
    let since = firstFailure ?? now
    firstFailure = since
    let longest = min(policy.longestDelay, policy.firstDelay * (1 << min(failures - 1, 20)))
    let wait = max(longest * dice, min(minimum ?? .zero, policy.patience))
    guard failures < policy.attempts, since.duration(to: now) + wait <= policy.patience else { return .giveUp }
    return .retry(after: wait)
  }

  /// Bytes moved: what fails from now on is another trouble.
  package mutating func progressed() {
    failures = 0
    firstFailure = nil
  }
}
