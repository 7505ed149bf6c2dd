import KubeRuntime
import Testing

@Suite("work queue: the rules")
struct WorkQueueStateTests {
  typealias State = WorkQueueState<String>

  private func at(_ seconds: Double) -> MonotonicTime {
    MonotonicTime(sinceStart: .milliseconds(Int((seconds * 1000).rounded())))
  }

  @Test("a key that is added many times while it waits is one entry")
  func deduplicates() {
    var state = State(backoff: ExponentialBackoff())
    #expect(state.handle(.add("a"), now: at(0)).added == 1)
    for _ in 0..<10 { #expect(state.handle(.add("a"), now: at(1)).added == 0) }
    #expect(state.depth == 1)
    let actions = state.handle(.workerFree(1), now: at(3))
    #expect(actions.handOuts == [State.HandOut(worker: 1, key: "a", waited: .seconds(3))])
    #expect(state.depth == 0)
  }

  @Test("keys are handed out in the order in which they became ready, to workers in the order in which they asked")
  func order() {
    var state = State(backoff: ExponentialBackoff())
    for key in ["c", "a", "b"] { _ = state.handle(.add(key), now: at(0)) }
    var served: [String] = []
    for worker in 1...3 { served += state.handle(.workerFree(UInt64(worker)), now: at(0)).handOuts.map(\.key) }
    #expect(served == ["c", "a", "b"])
    for worker in 4...5 { #expect(state.handle(.workerFree(UInt64(worker)), now: at(0)).handOuts.isEmpty) }
    #expect(state.handle(.add("d"), now: at(0)).handOuts.map(\.worker) == [4])
    #expect(state.handle(.add("e"), now: at(0)).handOuts.map(\.worker) == [5])
  }

  @Test("a key that runs is not handed to a second worker, and runs once more when it was added meanwhile")
  func addedWhileRunning() {
    var state = State(backoff: ExponentialBackoff())
    _ = state.handle(.workerFree(1), now: at(0))
    _ = state.handle(.workerFree(2), now: at(0))
    #expect(state.handle(.add("a"), now: at(0)).handOuts.map(\.worker) == [1])
    for _ in 0..<3 { #expect(state.handle(.add("a"), now: at(1)).handOuts.isEmpty) }
    let actions = state.handle(.finished("a", .done), now: at(2))
    #expect(actions.handOuts.map(\.worker) == [2])
    #expect(actions.worked == .seconds(2))
    #expect(state.handle(.finished("a", .done), now: at(3)).handOuts.isEmpty)
    #expect(state.entries.isEmpty)
  }

  @Test(
    "a key that fails comes back after 5 ms, doubled each time up to 16 min",
    arguments: [
      (1, Duration.milliseconds(5)), (2, .milliseconds(10)), (3, .milliseconds(20)), (10, .milliseconds(2560)),
      (18, .milliseconds(655_360)), (19, .seconds(960)), (60, .seconds(960)), (1000, .seconds(960)),
    ])
  func backoff(failures: Int, delay: Duration) {
    var state = State(backoff: ExponentialBackoff())
    var now = at(0)
    _ = state.handle(.add("a"), now: now)
    var wakeAt: MonotonicTime?
    for _ in 0..<failures {
      #expect(state.handle(.workerFree(1), now: now).handOuts.count == 1)
      let actions = state.handle(.finished("a", .failed), now: now)
      #expect(actions.retries == 1)
      wakeAt = actions.wakeAt
      if state.failures(of: "a") < failures { now = wakeAt ?? now }
      if state.failures(of: "a") < failures { _ = state.handle(.timePassed, now: now) }
    }
    #expect(wakeAt.map { $0 - now } == delay)
  }

  @Test("one success forgets all failures", arguments: [WorkOutcome.done, .again(after: .seconds(60))])
  func forgets(outcome: WorkOutcome) {
    var state = State(backoff: ExponentialBackoff())
    var now = at(0)
    func run(_ outcome: WorkOutcome) {
      _ = state.handle(.add("a"), now: now)
      _ = state.handle(.workerFree(1), now: now)
      _ = state.handle(.finished("a", outcome), now: now)
    }
    for _ in 0..<8 {
      run(.failed)
      now = now + .seconds(2000)
    }
    #expect(state.failures(of: "a") == 8)
    run(outcome)
    #expect(state.failures(of: "a") == 0)
    run(.failed)
    #expect(state.entries["a"] == .delayed(until: now + .milliseconds(5)))
  }

  /// What is asked for, and when the key is to run then.
  struct DelayCase: Sendable {
    var asked: [Double]
    var runsAt: Double
  }

  @Test(
    "of several delays the earliest wins",
    arguments: [
      DelayCase(asked: [10], runsAt: 10), DelayCase(asked: [10, 20], runsAt: 10),
      DelayCase(asked: [20, 10], runsAt: 10), DelayCase(asked: [30, 10, 20], runsAt: 10),
      DelayCase(asked: [10, 0], runsAt: 0), DelayCase(asked: [0, 10], runsAt: 0),
    ])
  func earliestWins(delays: DelayCase) {
    var waiting = State(backoff: ExponentialBackoff())
    for delay in delays.asked { _ = waiting.handle(.addLater("a", at: at(delay)), now: at(0)) }
    expectRun(&waiting, at: delays.runsAt)

    var running = State(backoff: ExponentialBackoff())
    _ = running.handle(.add("a"), now: at(0))
    _ = running.handle(.workerFree(1), now: at(0))
    for delay in delays.asked { _ = running.handle(.addLater("a", at: at(delay)), now: at(0)) }
    _ = running.handle(.finished("a", .again(after: .seconds(100))), now: at(0))
    expectRun(&running, at: delays.runsAt)
  }

  private func expectRun(_ state: inout State, at seconds: Double) {
    var actions = state.handle(.workerFree(9), now: at(0))
    if seconds > 0 {
      #expect(actions.handOuts.isEmpty)
      #expect(actions.wakeAt == at(seconds))
      #expect(state.handle(.timePassed, now: at(seconds - 0.001)).handOuts.isEmpty)
      actions = state.handle(.timePassed, now: at(seconds))
    }
    #expect(actions.handOuts.map(\.key) == ["a"])
    // Once, and not again for the delays that lost.
    _ = state.handle(.finished("a", .done), now: at(seconds))
    #expect(state.handle(.timePassed, now: at(1000)).handOuts.isEmpty)
  }

  @Test("a run that a change caused absorbs the delay, and its own result sets the next one")
  func absorbs() {
    var state = State(backoff: ExponentialBackoff())
    _ = state.handle(.addLater("a", at: at(600)), now: at(0))
    _ = state.handle(.add("a"), now: at(60))
    #expect(state.handle(.workerFree(1), now: at(60)).handOuts.count == 1)
    let actions = state.handle(.finished("a", .again(after: .seconds(600))), now: at(61))
    #expect(actions.wakeAt == at(661))
    #expect(state.handle(.timePassed, now: at(600)).added == 0)
  }

  @Test("delays that lost do not pile up")
  func staleDelays() {
    var state = State(backoff: ExponentialBackoff())
    for _ in 0..<10_000 {
      _ = state.handle(.add("a"), now: at(0))
      _ = state.handle(.workerFree(1), now: at(0))
      _ = state.handle(.finished("a", .again(after: .seconds(600))), now: at(0))
    }
    #expect(state.delayElements <= 67)
  }

  @Test("a failed key that was changed meanwhile does not wait for its backoff")
  func changedWhileFailing() {
    var state = State(backoff: ExponentialBackoff())
    _ = state.handle(.add("a"), now: at(0))
    _ = state.handle(.workerFree(1), now: at(0))
    _ = state.handle(.add("a"), now: at(1))
    #expect(state.handle(.finished("a", .failed), now: at(1)).added == 1)
    #expect(state.failures(of: "a") == 1)
  }

  @Test("a shutdown hands out what is ready, drops what is delayed, takes nothing, and waits for what runs")
  func shutDownFinishing() {
    var state = State(backoff: ExponentialBackoff())
    _ = state.handle(.workerFree(1), now: at(0))
    for key in ["running", "ready"] { _ = state.handle(.add(key), now: at(0)) }
    _ = state.handle(.addLater("delayed", at: at(1)), now: at(0))
    var actions = state.handle(.shutDown(.finishReady), now: at(0))
    #expect(!actions.isDrained)
    #expect(state.handle(.add("late"), now: at(0)).added == 0)
    actions = state.handle(.workerFree(2), now: at(0))
    #expect(actions.handOuts.map(\.key) == ["ready"])
    actions = state.handle(.finished("ready", .failed), now: at(2))
    #expect(!actions.isDrained && actions.retries == 0)
    actions = state.handle(.finished("running", .again(after: .seconds(1))), now: at(2))
    #expect(actions.isDrained && actions.wakeAt == nil)
    #expect(state.handle(.workerFree(3), now: at(3)).dismissed == [3])
  }

  @Test("a shutdown that drops what is ready dismisses waiting workers at once")
  func shutDownDropping() {
    var state = State(backoff: ExponentialBackoff())
    for key in ["a", "b"] { _ = state.handle(.add(key), now: at(0)) }
    _ = state.handle(.workerFree(1), now: at(0))
    #expect(!state.handle(.shutDown(.dropReady), now: at(0)).isDrained)
    #expect(state.handle(.workerFree(2), now: at(0)).dismissed == [2])
    #expect(state.handle(.finished("a", .failed), now: at(0)).isDrained)
  }

  @Test("a worker that went gets nothing")
  func workerGone() {
    var state = State(backoff: ExponentialBackoff())
    _ = state.handle(.workerFree(1), now: at(0))
    _ = state.handle(.workerFree(2), now: at(0))
    _ = state.handle(.workerGone(1), now: at(0))
    #expect(state.handle(.add("a"), now: at(0)).handOuts.map(\.worker) == [2])
  }

  @Test("whatever happens in whatever order, no key is in two workers and no change is lost")
  func model() {
    var random = SplitMix(seed: 42)
    var state = State(backoff: ExponentialBackoff())
    var now = at(0)
    var running: [String: UInt64] = [:]
    var owed: Set<String> = []
    var worker: UInt64 = 0
    func apply(_ event: State.Event) {
      for handOut in state.handle(event, now: now).handOuts {
        #expect(running[handOut.key] == nil)
        running[handOut.key] = handOut.worker
        owed.remove(handOut.key)
      }
    }
    for _ in 0..<50_000 {
      let key = String(Int.random(in: 0..<20, using: &random))
      switch Int.random(in: 0..<6, using: &random) {
      case 0:
        owed.insert(key)
        apply(.add(key))
      case 1: apply(.addLater(key, at: now + .milliseconds(Int.random(in: 0..<100, using: &random))))
      case 2:
        worker += 1
        apply(.workerFree(worker))
      case 3, 4:
        guard let key = running.keys.sorted().randomElement(using: &random) else { continue }
        running[key] = nil
        apply(.finished(key, [.done, .failed, .again(after: .seconds(1))].randomElement(using: &random) ?? .done))
      default:
        now = now + .milliseconds(Int.random(in: 0..<50, using: &random))
        apply(.timePassed)
      }
    }
    // Everything that was added and not served since is served now.
    for _ in 0..<1000 where !owed.isEmpty {
      if let key = running.keys.first {
        running[key] = nil
        apply(.finished(key, .done))
      }
      worker += 1
      apply(.workerFree(worker))
    }
    #expect(owed.isEmpty)
  }
}

/// Random numbers that are the same in each run.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
