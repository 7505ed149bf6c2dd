import DequeModule
import Synchronization

/// A number of bytes that may be held at once. Whoever wants more waits, first come first served.
///
/// A wish for more than half of the budget is cut down to half of it: a huge blob passes when little else is held, instead
/// of never.
public final class ByteBudget: Sendable {
  private struct State {
    var inUse = 0
    var peak = 0
    var failure: (any Error)?
    var nextTicket = 0
    var waiting: Deque<(ticket: Int, bytes: Int, continuation: CheckedContinuation<Void, any Error>)> = []
  }

  /// All bytes that may be held at once.
  public let capacity: Int
  private let state = Mutex(State())

  /// A budget of `capacity` bytes, 1 at least.
  public init(capacity: Int) { self.capacity = max(1, capacity) }

  /// Bytes that are held now.
  public var inUse: Int { state.withLock { $0.inUse } }

  /// The most bytes that were held at once until now.
  public var peak: Int { state.withLock { $0.peak } }

  /// Waits until `bytes` may be held, and holds them; returns how many that are, which is what to release.
  package func acquire(_ bytes: Int) async throws -> Int {
    let wanted = min(bytes, max(1, capacity / 2))
    if try acquireNow(wanted) { return wanted }
    let ticket = state.withLock { state in
      state.nextTicket += 1
      return state.nextTicket
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        enqueue(continuation, bytes: wanted, ticket: ticket)
      }
    } onCancel: {
      let continuation = state.withLock { state in
        state.waiting.firstIndex { $0.ticket == ticket }.map { state.waiting.remove(at: $0).continuation }
      }
      continuation?.resume(throwing: CancellationError())
      resumeWaiting()
    }
    return wanted
  }

  /// Gives back bytes that were acquired or added.
  package func release(_ bytes: Int) {
    state.withLock { $0.inUse -= bytes }
    resumeWaiting()
  }

  /// Holds `bytes` more without waiting, for what cannot be put off: the seal of a blob, the header of a pack.
  package func add(_ bytes: Int) {
    state.withLock { state in
      state.inUse += bytes
      state.peak = max(state.peak, state.inUse)
    }
  }

  /// Ends all waiting, now and later, with `error`.
  package func fail(_ error: any Error) {
    let waiting = state.withLock { state in
      state.failure = error
      let waiting = state.waiting
      state.waiting = []
      return waiting
    }
    for waiter in waiting { waiter.continuation.resume(throwing: error) }
  }

  private func acquireNow(_ bytes: Int) throws -> Bool {
    try state.withLock { state in
      if let failure = state.failure { throw failure }
      guard state.waiting.isEmpty, state.inUse + bytes <= capacity else { return false }
      hold(bytes, &state)
      return true
    }
  }

  private func enqueue(_ continuation: CheckedContinuation<Void, any Error>, bytes: Int, ticket: Int) {
    let failure: (any Error)? = state.withLock { state in
      if let failure = state.failure { return failure }
      // A cancellation that came before this point found nothing to remove.
      if Task.isCancelled { return CancellationError() }
      state.waiting.append((ticket, bytes, continuation))
      return nil
    }
    if let failure { return continuation.resume(throwing: failure) }
    resumeWaiting()
  }

  private func resumeWaiting() {
    let admitted = state.withLock { state in
      var admitted: [CheckedContinuation<Void, any Error>] = []
      while let first = state.waiting.first, state.inUse + first.bytes <= capacity || state.inUse <= 0 {
        state.waiting.removeFirst()
        hold(first.bytes, &state)
        admitted.append(first.continuation)
      }
      return admitted
    }
    for continuation in admitted { continuation.resume() }
  }

  private func hold(_ bytes: Int, _ state: inout State) {
    state.inUse += bytes
    state.peak = max(state.peak, state.inUse)
  }
}
