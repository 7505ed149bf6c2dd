import Synchronization

/// A bound on how often something happens: `rate` times a second on the average, `burst` times at once. A value
/// without a clock.
package struct TokenBucket: Sendable, Equatable {
  private(set) var tokens: Double
  private(set) var filledAt: ContinuousClock.Instant

  /// A full bucket.
  package init(_ limit: RateLimit, now: ContinuousClock.Instant) { (tokens, filledAt) = (Double(limit.burst), now) }

  /// Takes a token; where there is none, gives how long it takes until there is one.
  package mutating func take(_ limit: RateLimit, now: ContinuousClock.Instant) -> Duration? {
    let passed = (now - filledAt) / .seconds(1)
    tokens = min(Double(limit.burst), tokens + max(0, passed) * limit.perSecond)
    filledAt = now
    guard tokens < 1 else {
      tokens -= 1
      return nil
    }
    return .seconds((1 - tokens) / limit.perSecond)
  }

  /// Whether it has filled up, so that a new one would be the same.
  package func isFull(_ limit: RateLimit, now: ContinuousClock.Instant) -> Bool {
    tokens + (now - filledAt) / .seconds(1) * limit.perSecond >= Double(limit.burst)
  }
}

/// How often a caller may call.
public struct RateLimit: Sendable, Equatable {
  /// Calls a second, on the average.
  public var perSecond: Double
  /// Calls at once.
  public var burst: Int

  /// `perSecond` on the average, `burst` at once.
  public init(perSecond: Double, burst: Int) { (self.perSecond, self.burst) = (perSecond, burst) }
}

/// A bucket for each caller, as many as there are callers; full buckets are forgotten when there are many.
final class CallerLimits: Sendable {
  /// Buckets at once; past that the full ones go, and where none is full, all: a moment without limits beats a table
  /// that grows with every address that knocks.
  private static let capacity = 8192

  private let limit: RateLimit?
  private let buckets = Mutex<[String: TokenBucket]>([:])

  /// No limit: nobody is refused.
  init(_ limit: RateLimit?) { self.limit = limit }

  /// Counts a call; throws a 429 where it is one too many.
  func count(_ caller: String, now: ContinuousClock.Instant = .now) throws {
    guard let wait = take(caller, now: now) else { return }
    let seconds = max(1, Int(wait.components.seconds) + (wait.components.attoseconds > 0 ? 1 : 0))
    throw FacadeError(
      .tooManyRequests, "too many calls; make fewer, and the next in \(seconds) s", retryAfter: seconds)
  }

  /// Whether a call would be refused; it is not counted.
  func isExhausted(_ caller: String, now: ContinuousClock.Instant = .now) -> Bool {
    guard let limit, var bucket = buckets.withLock({ $0[caller] }) else { return false }
    return bucket.take(limit, now: now) != nil
  }

  private func take(_ caller: String, now: ContinuousClock.Instant) -> Duration? {
    guard let limit else { return nil }
    return buckets.withLock { buckets in
      if buckets.count >= Self.capacity, buckets[caller] == nil {
        buckets = buckets.filter { !$0.value.isFull(limit, now: now) }
        if buckets.count >= Self.capacity { buckets = [:] }
      }
      return buckets[caller, default: TokenBucket(limit, now: now)].take(limit, now: now)
    }
  }
}
