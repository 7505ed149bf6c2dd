import Synchronization

/// Which index files have been read or written, and which packs still wait for one.
final class IndexFiles: Sendable {
  private struct State {
    var loaded: Set<SHA256Digest> = []
    var pending: [PackContents] = []
    var pendingBlobs = 0
    var oldestPending: ContinuousClock.Instant?
    var isDoubtful = false
  }

  private let state = Mutex(State())
  /// One reader or writer of index files at a time, so that a flush also waits for a save that is under way.
  private let turn = ByteBudget(capacity: 1)

  func withTurn(_ body: () async throws -> Void) async throws {
    let held = try await turn.acquire(1)
    defer { turn.release(held) }
    try await body()
  }

  var loaded: Set<SHA256Digest> { state.withLock { $0.loaded } }

  /// What is known may no longer be true: nobody was kept from pruning for a while.
  func doubt() { state.withLock { $0.isDoubtful = true } }

  /// Forgets everything when it is doubtful; whether it was.
  func takeDoubt() -> Bool {
    state.withLock { state in
      guard state.isDoubtful else { return false }
      state = State()
      return true
    }
  }

  func noteLoaded(_ id: SHA256Digest) { state.withLock { _ = $0.loaded.insert(id) } }

  func notePending(_ pack: PackContents) {
    state.withLock { state in
      if state.pending.isEmpty { state.oldestPending = .now }
      state.pending.append(pack)
      state.pendingBlobs += pack.blobs.count
    }
  }

  func isDue(after interval: Duration) -> Bool {
    state.withLock { state in
      guard let oldest = state.oldestPending else { return false }
      return state.pendingBlobs >= IndexFile.maximumBlobs || oldest.duration(to: .now) >= interval
    }
  }

  /// Packs of `limit` blobs together at most, or one pack that is larger; nil when none wait.
  func takePending(atMost limit: Int) -> [PackContents]? {
    state.withLock { state in
      guard !state.pending.isEmpty else { return nil }
      var blobs = 0
      let taken = state.pending.prefix { pack in
        blobs += pack.blobs.count
        return blobs <= limit || blobs == pack.blobs.count
      }
      state.pending.removeFirst(taken.count)
      noteRemaining(&state)
      return Array(taken)
    }
  }

  func returnPending(_ packs: [PackContents]) {
    state.withLock { state in
      state.pending.insert(contentsOf: packs, at: 0)
      noteRemaining(&state)
    }
  }

  private func noteRemaining(_ state: inout State) {
    state.pendingBlobs = state.pending.reduce(0) { $0 + $1.blobs.count }
    state.oldestPending = state.pending.isEmpty ? nil : .now
  }
}
