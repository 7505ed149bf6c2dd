/// A moment on a `RuntimeClock`: the time since that clock was made. It never goes back, and means nothing to
/// another process.
public struct MonotonicTime: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The time since the clock was made.
  public var sinceStart: Duration

  /// The moment that lies `sinceStart` after the clock was made.
  public init(sinceStart: Duration) {
    self.sinceStart = sinceStart
  }

  /// The moment at which the clock was made.
  public static let zero = MonotonicTime(sinceStart: .zero)

  public static func < (left: Self, right: Self) -> Bool { left.sinceStart < right.sinceStart }

  /// The moment `duration` later.
  public static func + (time: Self, duration: Duration) -> Self { Self(sinceStart: time.sinceStart + duration) }

  /// How long after `right` the moment `left` lies; negative when it lies before.
  public static func - (left: Self, right: Self) -> Duration { left.sinceStart - right.sinceStart }

  public var description: String { "+\(sinceStart)" }
}

/// Where the runtime's loops take their time from, so that tests can turn it by hand.
///
/// It hides which `Clock` it was made from: queues, reflectors and elections of one process share a clock without
/// being generic over it. Their state machines never see it; they are told the time with each event.
public struct RuntimeClock: Sendable {
  private let readTime: @Sendable () -> MonotonicTime
  private let sleepUntil: @Sendable (MonotonicTime) async throws -> Void

  /// A view of `clock` whose zero is now.
  public init<C: Clock>(_ clock: C) where C.Duration == Duration {
    let origin = clock.now
    readTime = { MonotonicTime(sinceStart: origin.duration(to: clock.now)) }
    sleepUntil = { time in
      try await clock.sleep(until: origin.advanced(by: time.sinceStart), tolerance: nil)
    }
  }

  /// Real time, which goes on while the machine sleeps: leases run out then too.
  public static let continuous = RuntimeClock(ContinuousClock())

  /// The present moment.
  public var now: MonotonicTime { readTime() }

  /// Returns at `time`, or at once when it has passed; throws `CancellationError` when the task is cancelled.
  public func sleep(until time: MonotonicTime) async throws {
    try await sleepUntil(time)
  }

  /// Returns after `duration`; throws `CancellationError` when the task is cancelled.
  public func sleep(for duration: Duration) async throws {
    try await sleepUntil(now + duration)
  }
}
