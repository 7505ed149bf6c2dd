import Synchronization

/// A bound on uploads under way: whoever wants to begin one waits for a slot.
final class UploadSlots: Sendable {
  private struct State {
    var free: Int
    var waiting: [(id: Int, continuation: CheckedContinuation<Bool, Never>)] = []
    var nextID = 0
    var cancelled: Set<Int> = []
  }

  private let state: Mutex<State>
  private let count: Int

  init(_ count: Int) {
    self.count = count
    state = Mutex(State(free: count))
  }

  /// Waits for a slot, and takes it; throws `CancellationError` when the task is cancelled meanwhile.
  func acquire() async throws {
    let id = state.withLock { state in
      defer { state.nextID += 1 }
      return state.nextID
    }
    let isAcquired = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in wait(id, continuation) }
    } onCancel: {
      cancel(id)
    }
    guard isAcquired else { throw CancellationError() }
  }

  /// Takes a slot if one is free.
  func tryAcquire() -> Bool {
    state.withLock { state in
      guard state.free > 0, state.waiting.isEmpty else { return false }
      state.free -= 1
      return true
    }
  }

  /// Gives a slot back.
  func release() {
    let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
      guard !state.waiting.isEmpty else {
        state.free += 1
        return nil
      }
      return state.waiting.removeFirst().continuation
    }
    next?.resume(returning: true)
  }

  /// Waits until no slot is taken.
  func drain() async throws {
    var taken = 0
    defer { for _ in 0..<taken { release() } }
    while taken < count {
      try await acquire()
      taken += 1
    }
  }

  private func wait(_ id: Int, _ continuation: CheckedContinuation<Bool, Never>) {
    let answer = state.withLock { state -> Bool? in
      if state.cancelled.remove(id) != nil { return false }
      if state.free > 0, state.waiting.isEmpty {
        state.free -= 1
        return true
      }
      state.waiting.append((id, continuation))
      return nil
    }
    if let answer { continuation.resume(returning: answer) }
  }

  private func cancel(_ id: Int) {
    let waiting = state.withLock { state -> CheckedContinuation<Bool, Never>? in
      guard let index = state.waiting.firstIndex(where: { $0.id == id }) else {
        state.cancelled.insert(id)
        return nil
      }
      return state.waiting.remove(at: index).continuation
    }
    waiting?.resume(returning: false)
  }
}
