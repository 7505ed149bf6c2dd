import DequeModule
import HeapModule

/// The work queue's rules, as a value: events in, actions out, no clock and no tasks.
///
/// Each key that the queue knows is in exactly one of three states, so 'one entry a key' and 'no key in two workers'
/// hold by construction:
///
///     delayed ──time comes──▶ ready ──a worker is free──▶ running ──finished──▶ forgotten, ready or delayed
///
/// An add to a key that runs is remembered in the running entry, and decides what follows when it finishes. Where a
/// key has several times to run at, the earliest wins; a run absorbs them all, and its own result sets the next.
package struct WorkQueueState<Key: Hashable & Sendable>: Sendable {
  /// What a key is doing, and since when.
  package enum Entry: Equatable, Sendable {
    case delayed(until: MonotonicTime)
    case ready(since: MonotonicTime)
    case running(since: MonotonicTime, again: Again)
  }

  /// What was asked for while the key ran.
  package enum Again: Equatable, Sendable {
    case no
    case at(MonotonicTime)
  }

  /// What happened.
  package enum Event: Sendable {
    /// Run the key as soon as a worker is free.
    case add(Key)
    /// Run the key when the time has come.
    case addLater(Key, at: MonotonicTime)
    /// A worker is free. A worker asks once, and then waits for its hand-out or its dismissal.
    case workerFree(WorkerID)
    /// A worker that waited was cancelled.
    case workerGone(WorkerID)
    /// A worker is done with a key.
    case finished(Key, WorkOutcome)
    /// Time has passed; delayed keys may be due.
    case timePassed
    /// Nothing is accepted any more.
    case shutDown(ShutdownMode)
  }

  /// What to do about it.
  package struct Actions: Equatable, Sendable {
    /// Workers that get a key, and how long the key waited.
    package var handOuts: [HandOut] = []
    /// Workers that get nothing any more.
    package var dismissed: [WorkerID] = []
    /// The delayed keys have to be looked at by then; `nil`: there are none.
    package var wakeAt: MonotonicTime?
    /// Keys that became ready, for the metric of adds.
    package var added = 0
    /// How long the key that finished ran.
    package var worked: Duration?
    /// The key that finished comes back after a delay because it failed.
    package var retries = 0
    /// Shut down, and nothing runs or waits.
    package var isDrained = false
  }

  /// A key for a worker.
  package struct HandOut: Equatable, Sendable {
    package var worker: WorkerID
    package var key: Key
    package var waited: Duration

    package init(worker: WorkerID, key: Key, waited: Duration) {
      self.worker = worker
      self.key = key
      self.waited = waited
    }
  }

  package typealias WorkerID = UInt64

  private enum Phase {
    case open
    case closed
  }

  private var phase = Phase.open
  private let backoff: ExponentialBackoff
  private(set) package var entries: [Key: Entry] = [:]
  private var failures: [Key: Int] = [:]
  /// Keys in the order in which they became ready.
  private var ready: Deque<Key> = []
  private var workers: Deque<WorkerID> = []
  /// Times of delayed keys, earliest first. An element whose key is no longer delayed to that time is stale.
  private var delays = Heap<Delay>()

  package init(backoff: ExponentialBackoff) {
    self.backoff = backoff
  }

  /// Keys that wait for a worker.
  package var depth: Int { ready.count }

  /// Elements of the heap of delays, stale ones included.
  package var delayElements: Int { delays.count }

  /// When each key that runs now was handed out.
  package var runningSince: [MonotonicTime] {
    entries.values.compactMap { if case .running(let since, _) = $0 { since } else { nil } }
  }

  /// How often in a row the key failed.
  package func failures(of key: Key) -> Int { failures[key] ?? 0 }

  /// Takes what happened, and says what to do about it.
  package mutating func handle(_ event: Event, now: MonotonicTime) -> Actions {
    var actions = Actions()
    switch event {
    case .add(let key): schedule(key, at: now, now: now, &actions)
    case .addLater(let key, let time): schedule(key, at: time, now: now, &actions)
    case .workerFree(let worker): workers.append(worker)
    case .workerGone(let worker): workers.removeAll { $0 == worker }
    case .finished(let key, let outcome): finish(key, outcome, now: now, &actions)
    case .timePassed: break
    case .shutDown(let mode): shutDown(mode)
    }
    release(now: now, &actions)
    handOut(now: now, &actions)
    actions.wakeAt = nextDelay()
    actions.isDrained = phase == .closed && entries.isEmpty
    if phase == .closed, ready.isEmpty {
      actions.dismissed = Array(workers)
      workers = []
    }
    return actions
  }

  private mutating func schedule(_ key: Key, at time: MonotonicTime, now: MonotonicTime, _ actions: inout Actions) {
    guard phase == .open else { return }
    switch entries[key] {
    case .ready: break
    case .delayed(let until) where until <= time: break
    case .running(_, .at(let other)) where other <= time: break
    case .running(let since, _): entries[key] = .running(since: since, again: .at(time))
    case .delayed, nil: place(key, at: time, now: now, &actions)
    }
  }

  private mutating func finish(_ key: Key, _ outcome: WorkOutcome, now: MonotonicTime, _ actions: inout Actions) {
    guard case .running(let since, let again) = entries.removeValue(forKey: key) else { return }
    actions.worked = now - since
    var next: MonotonicTime? = if case .at(let time) = again { time } else { nil }
    switch outcome {
    case .done:
      failures[key] = nil
    case .again(let delay):
      failures[key] = nil
      next = min(next ?? now + delay, now + delay)
    case .failed:
      failures[key, default: 0] += 1
      actions.retries = phase == .open ? 1 : 0
      let retry = now + backoff.delay(afterFailures: failures[key] ?? 1)
      next = min(next ?? retry, retry)
    }
    guard phase == .open, let next else { return }
    place(key, at: next, now: now, &actions)
  }

  private mutating func place(_ key: Key, at time: MonotonicTime, now: MonotonicTime, _ actions: inout Actions) {
    if time <= now {
      entries[key] = .ready(since: now)
      ready.append(key)
      actions.added += 1
    } else {
      entries[key] = .delayed(until: time)
      delays.insert(Delay(until: time, key: key))
      dropStaleDelays()
    }
  }

  /// Keeps the heap in proportion to the keys: a key that is delayed far and run early again and again would leave
  /// a stale element behind each time.
  private mutating func dropStaleDelays() {
    guard delays.count > 64 + 2 * entries.count else { return }
    delays = Heap(delays.unordered.filter { entries[$0.key] == .delayed(until: $0.until) })
  }

  private mutating func release(now: MonotonicTime, _ actions: inout Actions) {
    while let due = nextDelay(), due <= now, let delay = delays.popMin() {
      place(delay.key, at: delay.until, now: now, &actions)
    }
  }

  private mutating func handOut(now: MonotonicTime, _ actions: inout Actions) {
    while !ready.isEmpty, let worker = workers.popFirst() {
      let key = ready.removeFirst()
      guard case .ready(let since) = entries[key] else { continue }
      entries[key] = .running(since: now, again: .no)
      actions.handOuts.append(HandOut(worker: worker, key: key, waited: now - since))
    }
  }

  /// The earliest time that a key is delayed to; drops stale elements on the way.
  private mutating func nextDelay() -> MonotonicTime? {
    while let first = delays.min {
      if entries[first.key] == .delayed(until: first.until) { return first.until }
      delays.removeMin()
    }
    return nil
  }

  private mutating func shutDown(_ mode: ShutdownMode) {
    phase = .closed
    delays = Heap()
    let kept = mode == .finishReady
    entries = entries.filter { _, entry in
      switch entry {
      case .delayed: false
      case .ready: kept
      case .running: true
      }
    }
    if !kept { ready = [] }
  }

  private struct Delay: Comparable, Sendable {
    var until: MonotonicTime
    var key: Key

    static func < (left: Self, right: Self) -> Bool { left.until < right.until }
    static func == (left: Self, right: Self) -> Bool { left.until == right.until }
  }
}

/// How a worker ended its work on a key.
public enum WorkOutcome: Hashable, Sendable {
  /// Nothing is left to do; earlier failures are forgotten.
  case done
  /// It went well, and is to run again after the delay; earlier failures are forgotten.
  case again(after: Duration)
  /// It went wrong, and runs again after the key's backoff.
  case failed
}

/// What becomes of the keys that wait for a worker when a queue is shut down. Delayed keys are dropped either way.
public enum ShutdownMode: Hashable, Sendable {
  /// They are handed out still.
  case finishReady
  /// They are dropped: who is level-triggered lists everything again at the next start.
  case dropReady
}
