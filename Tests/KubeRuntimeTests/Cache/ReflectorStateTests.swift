import KubeClient
import KubeModel
import KubeRuntime
import Testing

@Suite("reflector: its decisions")
struct ReflectorStateTests {
  /// A state machine with its time and its randomness.
  struct Machine {
    var state = ReflectorState()
    var now = MonotonicTime.zero
    var random = SplitMix(seed: 7)

    mutating func after(_ event: ReflectorState.Event) -> ReflectorState.Action {
      state.handle(event, now: now, using: &random)
    }

    /// A machine that watches from version 100 on.
    static var watching: Machine {
      var machine = Machine()
      _ = machine.after(.start)
      _ = machine.after(.page(resourceVersion: "100", continueToken: nil))
      machine.now = machine.now + .seconds(30)
      return machine
    }
  }

  @Test("it lists in pages of 500 and watches from the list's version, for 5 to 10 minutes")
  func lists() {
    var machine = Machine()
    #expect(machine.after(.start) == .list(ListRequest(limit: 500, continueToken: nil)))
    #expect(
      machine.after(.page(resourceVersion: "7", continueToken: "x"))
        == .list(ListRequest(limit: 500, continueToken: "x")))
    #expect(
      machine.after(.page(resourceVersion: "7", continueToken: "y"))
        == .list(ListRequest(limit: 500, continueToken: "y")))
    guard case .finishListAndWatch(let watch) = machine.after(.page(resourceVersion: "7", continueToken: nil)) else {
      Issue.record("the list is complete and no watch follows")
      return
    }
    #expect(watch.resourceVersion == "7")
    #expect(watch.timeout >= .seconds(300) && watch.timeout <= .seconds(600))
  }

  @Test("watches end at random times")
  func timeouts() {
    var timeouts: Set<Duration> = []
    var machine = Machine.watching
    for _ in 0..<50 {
      _ = machine.after(.delivered(resourceVersion: "100"))
      guard case .watch(let request) = machine.after(.watchClosed) else { continue }
      #expect(request.timeout >= .seconds(300) && request.timeout <= .seconds(600))
      timeouts.insert(request.timeout)
    }
    #expect(timeouts.count == 50)
  }

  @Test("a watch that the server ends goes on from the last version, that of a bookmark too")
  func continues() {
    var machine = Machine.watching
    #expect(machine.after(.delivered(resourceVersion: "105")) == .goOn)
    #expect(machine.after(.delivered(resourceVersion: "180")) == .goOn)
    guard case .watch(let request) = machine.after(.watchClosed) else {
      Issue.record("no watch follows")
      return
    }
    #expect(request.resourceVersion == "180")
  }

  @Test("a watch that ends at once and empty is followed by a pause, not by a spin")
  func shortWatch() {
    var machine = Machine()
    _ = machine.after(.start)
    _ = machine.after(.page(resourceVersion: "100", continueToken: nil))
    #expect(machine.after(.watchClosed).pause != nil)
    guard case .watch = machine.after(.pauseOver) else {
      Issue.record("the watch is not tried again")
      return
    }
  }

  /// What ends a watch, and what follows the pause.
  enum Follows: Sendable { case list, watch }

  @Test(
    "what a failed watch leads to",
    arguments: [
      (ReflectorFailure.expired, Follows.list), (.throttled(retryAfter: nil), .watch),
      (.throttled(retryAfter: .seconds(90)), .watch), (.unreachable, .watch), (.refused, .list),
    ])
  func watchFails(failure: ReflectorFailure, follows: Follows) {
    var machine = Machine.watching
    _ = machine.after(.delivered(resourceVersion: "120"))
    let pause = machine.after(.watchFailed(failure)).pause
    if case .throttled(.some(let wait)) = failure {
      #expect(pause == wait)
    } else {
      #expect(pause.map { $0 >= .milliseconds(800) && $0 <= .milliseconds(1600) } == true)
    }
    switch (follows, machine.after(.pauseOver)) {
    case (.list, .list(let request)): #expect(request == ListRequest(limit: 500, continueToken: nil))
    case (.watch, .watch(let request)): #expect(request.resourceVersion == "120")
    case (_, let action): Issue.record("\(failure) leads to \(action)")
    }
  }

  @Test(
    "what the server's answers mean, be they HTTP statuses or ERRORs within a watch",
    arguments: [
      (410, KubeStatus.Reason.gone, ReflectorFailure.expired), (410, .expired, .expired),
      (429, .tooManyRequests, .throttled(retryAfter: .seconds(3))), (503, .serviceUnavailable, .unreachable),
      (500, .internalError, .refused), (504, .timeout, .refused), (403, .forbidden, .refused),
      (401, .unauthorized, .refused), (404, .notFound, .refused),
    ])
  func classifies(code: Int, reason: KubeStatus.Reason, failure: ReflectorFailure) {
    let details = code == 429 ? KubeStatus.Details(retryAfterSeconds: 3) : nil
    let status = KubeStatus(code: code, reason: reason, details: details)
    #expect(ReflectorFailure(status) == failure)
    #expect(ReflectorFailure(KubeError.status(status)) == failure)
  }

  @Test("a continue token that expires starts the list over in pages, then all at once, then with pauses")
  func expiredToken() {
    var machine = Machine()
    _ = machine.after(.start)
    _ = machine.after(.page(resourceVersion: "7", continueToken: "x"))
    #expect(machine.after(.listFailed(.expired)) == .list(ListRequest(limit: 500, continueToken: nil)))
    _ = machine.after(.page(resourceVersion: "8", continueToken: "y"))
    #expect(machine.after(.listFailed(.expired)) == .list(ListRequest(limit: nil, continueToken: nil)))
    #expect(machine.after(.listFailed(.expired)).pause != nil)
    #expect(machine.after(.pauseOver) == .list(ListRequest(limit: nil, continueToken: nil)))
  }

  @Test(
    "a list that breaks off goes on with the same page; one that is refused starts over",
    arguments: [
      (ReflectorFailure.unreachable, "x" as String?), (.throttled(retryAfter: nil), "x"), (.refused, nil),
    ])
  func listFails(failure: ReflectorFailure, token: String?) {
    var machine = Machine()
    _ = machine.after(.start)
    _ = machine.after(.page(resourceVersion: "7", continueToken: "x"))
    #expect(machine.after(.listFailed(failure)).pause != nil)
    #expect(machine.after(.pauseOver) == .list(ListRequest(limit: 500, continueToken: token)))
  }

  @Test("a version that goes back is another history: everything is listed anew")
  func wentBack() {
    var machine = Machine.watching
    #expect(machine.after(.delivered(resourceVersion: "99")).pause != nil)
    #expect(machine.after(.pauseOver) == .list(ListRequest(limit: 500, continueToken: nil)))
  }

  @Test("pauses grow while nothing works, and are short again after 2 min of health")
  func pauses() {
    var machine = Machine.watching
    var last = Duration.zero
    for _ in 0..<10 {
      last = machine.after(.watchFailed(.unreachable)).pause ?? .zero
      machine.now = machine.now + last
      _ = machine.after(.pauseOver)
    }
    #expect(last >= .seconds(15) && last <= .seconds(30))
    machine.now = machine.now + .seconds(120)
    let next = machine.after(.watchFailed(.unreachable)).pause
    #expect(next.map { $0 <= .milliseconds(1600) } == true)
  }
}

extension ReflectorState.Action {
  /// The pause, if it is one.
  var pause: Duration? {
    guard case .pause(let duration) = self else { return nil }
    return duration
  }
}
