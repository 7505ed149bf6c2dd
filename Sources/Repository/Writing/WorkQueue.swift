import DequeModule
import Synchronization

/// Hands work from many tasks to many. What is in it is bounded by whoever adds to it, with a `ByteBudget`.
final class WorkQueue<Element: Sendable>: Sendable {
  private struct State {
    var elements: Deque<Element> = []
    var waiting: Deque<CheckedContinuation<Element?, Never>> = []
    var isFinished = false
  }

  private let state = Mutex(State())

  /// Adds an element; it is dropped when the queue has been finished.
  func add(_ element: Element) {
    let waiter: CheckedContinuation<Element?, Never>? = state.withLock { state in
      if state.isFinished { return nil }
      if let waiter = state.waiting.popFirst() { return waiter }
      state.elements.append(element)
      return nil
    }
    waiter?.resume(returning: element)
  }

  /// The next element, once there is one; nil when the queue has been finished.
  func next() async -> Element? {
    await withCheckedContinuation { continuation in
      let answer: Element?? = state.withLock { state in
        if state.isFinished { return .some(nil) }
        if let element = state.elements.popFirst() { return element }
        state.waiting.append(continuation)
        return nil
      }
      if let answer { continuation.resume(returning: answer) }
    }
  }

  /// Ends all waiting, now and later, and drops what is in the queue.
  func finish() {
    let waiting = state.withLock { state in
      state.isFinished = true
      state.elements = []
      let waiting = state.waiting
      state.waiting = []
      return waiting
    }
    for waiter in waiting { waiter.resume(returning: nil) }
  }
}
