import KubeClient
import KubeModel
import KubeRuntime
import Synchronization
import TestSupport
import TidemarkAPI

/// Does next to nothing, or writes a small status; and counts.
final class RuntimeReconciler: Reconciler {
  /// What a reconcile does.
  enum Work {
    case nothing
    /// Reads the object from the store and applies a status that differs from the last.
    case statusWrite
  }

  private struct State {
    var work = Work.nothing
    var reconciled = 0
    var lastFinish: Int64 = 0
    var firstSeen: [ObjectKey: Int64] = [:]
  }

  private let store: Store<Backup>
  private let writer: StatusWriter
  private let state = Mutex(State())

  init(store: Store<Backup>, client: KubeClient) {
    self.store = store
    writer = StatusWriter(client: client, fieldManager: "tidemark-bench")
  }

  func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    let isSeen = MonotonicNanoseconds.now
    let work = state.withLock { state in
      // Those of the first sync are of no interest, and would be counted as memory of the store.
      if state.work == .nothing, key.name.hasPrefix("latency-"), state.firstSeen[key] == nil {
        state.firstSeen[key] = isSeen
      }
      return state.work
    }
    if work == .statusWrite, let backup = store[key] { try await write(isSeen, to: backup) }
    state.withLock { state in
      state.reconciled += 1
      state.lastFinish = MonotonicNanoseconds.now
    }
    return .done
  }

  /// When the key's first reconcile began, by `MonotonicNanoseconds`.
  func firstSeen(_ key: ObjectKey) -> Int64? { state.withLock { $0.firstSeen[key] } }

  /// Returns when so many reconciles are over, counted from the start.
  func finish(_ count: Int) async throws {
    try await eventually(within: .seconds(120), every: .milliseconds(1), "\(count) reconciles are over") {
      state.withLock { $0.reconciled >= count }
    }
  }

  /// Reconciles per second, from the first key's way into the queue to the last one's end.
  func rate(of work: Work, over keys: [ObjectKey], _ controller: Controller) async throws -> Double {
    let before = state.withLock { state in
      state.work = work
      return state.reconciled
    }
    let begin = MonotonicNanoseconds.now
    for key in keys { controller.enqueue(key) }
    try await finish(before + keys.count)
    return Double(keys.count) / (Double(state.withLock { $0.lastFinish } - begin) / 1e9)
  }

  private func write(_ marker: Int64, to backup: Backup) async throws {
    var status = BackupStatus()
    status.phase = .running
    status.progress = StepProgress(bytesDone: marker, bytesTotal: nil, filesDone: 1, updatedAt: .now)
    _ = try await writer.apply(status, to: backup)
  }
}
