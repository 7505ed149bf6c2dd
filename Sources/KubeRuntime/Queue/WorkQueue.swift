import Synchronization

/// Keys that need work, each at most once, for a bounded number of workers.
///
/// **Expected flow.** Handlers `add` keys; one task is inside `run()`, which releases delayed keys; each worker loops
/// over `next()` and calls `finish` for every key it got. `shutDown` ends the loops.
///
/// **Guarantees.**
/// - A key that is added while it waits is one entry; a key that is added while it runs, runs once more after that.
/// - No key is in two workers at once.
/// - After `add` returned, a run of that key starts that began later than the add: no change is lost.
/// - A failed key comes back after its own backoff (5 ms doubled to 16 min by default); others don't wait for it.
/// - Of several delays for a key the earliest wins. A run absorbs all delays, and its own outcome sets the next.
/// - `add` never blocks and never suspends: it may be called from a store's change handler. Memory is bounded by the
///   number of distinct keys.
///
/// **Assumptions.** A worker calls `finish` once for each key it took, whatever became of it; otherwise the key is
/// never handed out again.
///
/// **Caveats.** Keys are served in the order in which they became ready, with no priorities. Delays are kept to the
/// clock's precision; after `shutDown` they are dropped.
public final class WorkQueue<Key: Hashable & Sendable>: Sendable {
  private struct Guarded {
    var state: WorkQueueState<Key>
    var nextWorker: WorkQueueState<Key>.WorkerID = 0
    var waiting: [WorkQueueState<Key>.WorkerID: CheckedContinuation<Key?, Never>] = [:]
    var wakeAt: MonotonicTime?
  }

  private let guarded: Mutex<Guarded>
  private let clock: RuntimeClock
  private let metrics: WorkQueueMetrics
  private let changed = Signal()
  private let drained = Gate()

  /// An empty queue. `name` is the `name` label of its metrics.
  public init(name: String, backoff: ExponentialBackoff = ExponentialBackoff(), clock: RuntimeClock = .continuous) {
    self.clock = clock
    self.metrics = WorkQueueMetrics(queue: name)
    self.guarded = Mutex(Guarded(state: WorkQueueState(backoff: backoff)))
  }

  /// How many keys wait for a worker.
  public var depth: Int { guarded.withLock { $0.state.depth } }

  /// Has the key run as soon as a worker is free.
  public func add(_ key: Key) {
    handle(.add(key))
  }

  /// Has the key run after `delay`, unless it runs before.
  public func add(_ key: Key, after delay: Duration) {
    handle(.addLater(key, at: clock.now + delay))
  }

  /// Ends the work on a key that `next` gave.
  public func finish(_ key: Key, _ outcome: WorkOutcome) {
    handle(.finished(key, outcome))
  }

  /// How often in a row the work on this key failed.
  public func failures(of key: Key) -> Int {
    guarded.withLock { $0.state.failures(of: key) }
  }

  /// The next key to work on; `nil` when the queue is shut down and empty, or the task is cancelled.
  public func next() async -> Key? {
    let worker = guarded.withLock { guarded in
      guarded.nextWorker += 1
      return guarded.nextWorker
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<Key?, Never>) in
        if Task.isCancelled { return continuation.resume(returning: nil) }
        guarded.withLock { $0.waiting[worker] = continuation }
        handle(.workerFree(worker))
        // Cancelled between the check above and now: the handler below found nobody.
        if Task.isCancelled { dismiss(worker) }
      }
    } onCancel: {
      dismiss(worker)
    }
  }

  /// Releases delayed keys when their time has come, until the queue is shut down or the task is cancelled.
  public func run() async {
    while !Task.isCancelled, !drained.isOpen {
      let wakeAt = guarded.withLock { $0.wakeAt }
      await changed.wait(until: wakeAt, on: clock)
      handle(.timePassed)
      reportRunning()
    }
  }

  /// Accepts no more keys. Workers get `nil` once nothing is left for them.
  public func shutDown(_ mode: ShutdownMode) {
    handle(.shutDown(mode))
    changed.raise()
  }

  /// Returns when the queue is shut down and no key runs or waits any more.
  public func waitUntilDrained() async throws {
    try await drained.wait()
  }

  private func dismiss(_ worker: WorkQueueState<Key>.WorkerID) {
    let continuation = guarded.withLock { guarded -> CheckedContinuation<Key?, Never>? in
      guard let continuation = guarded.waiting.removeValue(forKey: worker) else { return nil }
      _ = guarded.state.handle(.workerGone(worker), now: clock.now)
      return continuation
    }
    continuation?.resume(returning: nil)
  }

  private func handle(_ event: WorkQueueState<Key>.Event) {
    let now = clock.now
    guarded.withLock { guarded in
      let actions = guarded.state.handle(event, now: now)
      // A continuation's resume only enqueues its task, so it is safe under the lock, and keeps the hand-outs in order.
      for handOut in actions.handOuts {
        metrics.waited(handOut.waited)
        guarded.waiting.removeValue(forKey: handOut.worker)?.resume(returning: handOut.key)
      }
      for worker in actions.dismissed {
        guarded.waiting.removeValue(forKey: worker)?.resume(returning: nil)
      }
      let mustWake = actions.wakeAt.map { wakeAt in guarded.wakeAt.map { wakeAt < $0 } ?? true } ?? false
      guarded.wakeAt = actions.wakeAt
      if mustWake { changed.raise() }
      metrics.record(added: actions.added, retries: actions.retries, worked: actions.worked, depth: guarded.state.depth)
      if actions.isDrained {
        drained.open()
        changed.raise()
      }
    }
  }

  /// Sets the gauges of work that has begun and not ended, which nobody else would notice.
  package func reportRunning() {
    let now = clock.now
    metrics.running(guarded.withLock { $0.state.runningSince }.map { now - $0 })
  }
}
