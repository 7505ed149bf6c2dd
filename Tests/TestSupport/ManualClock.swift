import Synchronization

/// A clock that stands still until the test advances it.
///
/// Sleepers are resumed in the order of their deadlines (those with the same deadline: as they came). A sleeper
/// that is cancelled throws `CancellationError` at once. To be sure that a task is asleep before advancing, wait
/// for it with `waitForSleepers`.
public final class ManualClock: Clock, Sendable {
  /// A moment on this clock: so long after its making.
  public struct Instant: InstantProtocol {
    /// The time since the clock was made.
    public var offset: Duration

    /// The moment so long after the clock was made.
    public init(offset: Duration = .zero) { self.offset = offset }

    /// The moment so much later.
    public func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
    /// How long it is from here to `other`.
    public func duration(to other: Instant) -> Duration { other.offset - offset }
    /// Earlier is less.
    public static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
  }

  private struct Sleeper {
    let id: Int
    let deadline: Instant
    let continuation: CheckedContinuation<Void, any Error>
  }

  private struct State {
    var now = Instant()
    var nextID = 0
    var sleepers: [Sleeper] = []  // by deadline, then by arrival
    var cancelled: Set<Int> = []  // cancelled before they lay down
  }

  private let state = Mutex(State())

  /// A clock that shows zero.
  public init() {}

  /// What the clock shows.
  public var now: Instant { state.withLock { $0.now } }

  /// Nothing is too short for this clock.
  public var minimumResolution: Duration { .zero }

  /// How many are asleep.
  public var sleeperCount: Int { state.withLock { $0.sleepers.count } }

  /// The deadline of the one who sleeps shortest.
  public var nextDeadline: Instant? { state.withLock { $0.sleepers.first?.deadline } }

  /// Sleeps until the test has advanced the clock to `deadline`.
  public func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        enter(Sleeper(id: id, deadline: deadline, continuation: continuation))
      }
    } onCancel: {
      cancel(id)
    }
  }

  /// Lets time pass. Each sleeper whose deadline comes is resumed while the clock shows that deadline.
  public func advance(by duration: Duration) {
    advance(to: now.advanced(by: duration))
  }

  /// Lets time pass until `target`.
  public func advance(to target: Instant) {
    while let sleeper = wakeNext(until: target) { sleeper.continuation.resume() }
  }

  /// Waits, in real time, until at least `count` tasks are asleep on this clock.
  public func waitForSleepers(_ count: Int = 1, within bound: Duration = .seconds(10)) async throws {
    try await eventually(within: bound, every: .milliseconds(1), "\(count) tasks sleep on the manual clock") {
      sleeperCount >= count
    }
  }

  private func wakeNext(until target: Instant) -> Sleeper? {
    state.withLock { state in
      guard let first = state.sleepers.first, first.deadline <= target else {
        state.now = max(state.now, target)
        return nil
      }
      state.now = max(state.now, first.deadline)
      return state.sleepers.removeFirst()
    }
  }

  private func enter(_ sleeper: Sleeper) {
    enum Answer {
      case sleeps
      case due
      case cancelled
    }
    let answer: Answer = state.withLock { state in
      if state.cancelled.remove(sleeper.id) != nil { return .cancelled }
      if sleeper.deadline <= state.now { return .due }
      let place = state.sleepers.firstIndex { $0.deadline > sleeper.deadline } ?? state.sleepers.endIndex
      state.sleepers.insert(sleeper, at: place)
      return .sleeps
    }
    switch answer {
    case .sleeps: break
    case .due: sleeper.continuation.resume()
    case .cancelled: sleeper.continuation.resume(throwing: CancellationError())
    }
  }

  private func cancel(_ id: Int) {
    let sleeper: Sleeper? = state.withLock { state in
      guard let place = state.sleepers.firstIndex(where: { $0.id == id }) else {
        state.cancelled.insert(id)
        return nil
      }
      return state.sleepers.remove(at: place)
    }
    sleeper?.continuation.resume(throwing: CancellationError())
  }
}
