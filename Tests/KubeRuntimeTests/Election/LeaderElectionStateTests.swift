import KubeModel
import KubeRuntime
import Testing

@Suite("leader election: its decisions")
struct LeaderElectionStateTests {
  typealias State = LeaderElectionState
  static let me = "me"
  static let wall = MicroTime(microsecondsSince1970: 1_000_000)

  static func lease(_ holder: String?, renewed: Int64 = 0, seconds: Int? = 15, transitions: Int = 3) -> Lease.Spec {
    Lease.Spec(
      holderIdentity: holder, leaseDurationSeconds: seconds, acquireTime: MicroTime(microsecondsSince1970: 0),
      renewTime: MicroTime(microsecondsSince1970: renewed), leaseTransitions: transitions)
  }

  static func reading(_ spec: Lease.Spec, version: String = "1") -> State.Reading {
    State.Reading(spec: spec, resourceVersion: version)
  }

  /// A state machine with its time and its randomness.
  struct Machine {
    var state = State(identity: me, timing: LeaderElectionTiming())
    var random = SplitMix(seed: 3)

    mutating func after(_ event: State.Event, at seconds: Double) -> State.Action {
      state.handle(event, now: Self.at(seconds), wall: wall, using: &random)
    }

    static func at(_ seconds: Double) -> MonotonicTime {
      MonotonicTime(sinceStart: .milliseconds(Int((seconds * 1000).rounded())))
    }

    /// A machine that took the lease by a write sent at 0 s and answered at 0.1 s.
    static var leading: Machine {
      var machine = Machine()
      _ = machine.after(.due, at: 0)
      _ = machine.after(.read(nil), at: 0)
      _ = machine.after(.written(reading(lease(me)), sentAt: .zero), at: 0.1)
      return machine
    }
  }

  @Test("where there is no lease it is created")
  func creates() {
    var machine = Machine()
    #expect(machine.after(.due, at: 0) == .read)
    guard case .write(let spec, over: nil) = machine.after(.read(nil), at: 0) else {
      Issue.record("no lease is created")
      return
    }
    #expect(spec.holderIdentity == Self.me)
    #expect(spec.leaseDurationSeconds == 15)
    #expect(spec.leaseTransitions == 0)
  }

  @Test("a released lease is taken at once, over the version that was read", arguments: [nil, ""])
  func takesReleased(holder: String?) {
    var machine = Machine()
    let action = machine.after(.read(Self.reading(Self.lease(holder), version: "77")), at: 0)
    guard case .write(let spec, over: "77") = action else {
      Issue.record("\(action)")
      return
    }
    #expect(spec.holderIdentity == Self.me)
    #expect(spec.leaseTransitions == 4)
  }

  /// How long another's lease was seen unchanged, and whether it may be taken then.
  struct ExpiryCase: Sendable {
    var says: Int?
    var unchangedFor: Double
    var isTaken: Bool
  }

  @Test(
    "another's lease is taken when it was seen unchanged for as long as it says, and not before",
    arguments: [
      ExpiryCase(says: 15, unchangedFor: 0, isTaken: false), ExpiryCase(says: 15, unchangedFor: 14.9, isTaken: false),
      ExpiryCase(says: 15, unchangedFor: 15, isTaken: true), ExpiryCase(says: 60, unchangedFor: 59, isTaken: false),
      ExpiryCase(says: 60, unchangedFor: 60, isTaken: true), ExpiryCase(says: nil, unchangedFor: 14, isTaken: false),
      ExpiryCase(says: nil, unchangedFor: 15, isTaken: true),
    ])
  func expiry(expected: ExpiryCase) {
    var machine = Machine()
    // The holder's wall clock is years behind ours, and decides nothing.
    let lease = Self.reading(Self.lease("other", renewed: 0, seconds: expected.says))
    guard case .wait = machine.after(.read(lease), at: 100) else {
      Issue.record("a lease seen for the first time is taken")
      return
    }
    let action = machine.after(.read(lease), at: 100 + expected.unchangedFor)
    if case .write = action {
      #expect(expected.isTaken)
    } else {
      #expect(!expected.isTaken)
    }
  }

  @Test("each renewal that a candidate sees starts its count anew")
  func renewalsCount() {
    var machine = Machine()
    for round in 0..<10 {
      let lease = Self.reading(Self.lease("other", renewed: Int64(round)), version: "\(round)")
      guard case .wait = machine.after(.read(lease), at: Double(round) * 14) else {
        Issue.record("a living lease is taken")
        return
      }
    }
  }

  @Test("a change of the lease's version alone is no renewal")
  func versionIsNoRenewal() {
    var machine = Machine()
    _ = machine.after(.read(Self.reading(Self.lease("other"), version: "1")), at: 0)
    let action = machine.after(.read(Self.reading(Self.lease("other"), version: "2")), at: 15)
    guard case .write(_, over: "2") = action else {
      Issue.record("\(action)")
      return
    }
  }

  @Test("candidates wait 2 s and up to 2.4 s more, so that they don't ask in step")
  func jitter() {
    var waits: Set<MonotonicTime> = []
    var machine = Machine()
    for _ in 0..<50 {
      guard case .wait(let until) = machine.after(.failed, at: 0) else { continue }
      #expect(until >= Machine.at(2) && until <= Machine.at(4.4))
      waits.insert(until)
    }
    #expect(waits.count > 40)
  }

  @Test("a leader renews every 2 s over the version that it wrote last")
  func renews() {
    var machine = Machine.leading
    #expect(
      machine.after(.written(Self.reading(Self.lease(Self.me), version: "5"), sentAt: Machine.at(2)), at: 2.1)
        == .wait(until: Machine.at(4.1)))
    guard case .write(let spec, over: "5") = machine.after(.due, at: 4.1) else {
      Issue.record("it does not renew")
      return
    }
    #expect(spec.renewTime == Self.wall)
    #expect(spec.acquireTime == MicroTime(microsecondsSince1970: 0))
    #expect(spec.leaseTransitions == 3)
  }

  @Test("a leader counts from when its last successful write was sent, not answered")
  func countsFromSending() {
    var machine = Machine.leading
    _ = machine.after(.written(Self.reading(Self.lease(Self.me)), sentAt: Machine.at(2)), at: 8)
    #expect(machine.state.leadsUntil == Machine.at(12))
  }

  @Test("a leader that cannot renew for 10 s stops, though the lease is not taken yet")
  func stopsInTime() {
    var machine = Machine.leading
    var time = 2.1
    for _ in 0..<3 {
      _ = machine.after(.due, at: time)
      #expect(machine.after(.failed, at: time) == .wait(until: Machine.at(time + 2)))
      time += 2
    }
    // The last wait ends when leading does, not later.
    #expect(machine.after(.failed, at: 9) == .wait(until: Machine.at(10)))
    #expect(machine.after(.due, at: 10) == .stop)
    #expect(machine.after(.written(Self.reading(Self.lease(Self.me)), sentAt: Machine.at(9)), at: 11) == .stop)
  }

  @Test("a renewal that is answered too late is no renewal")
  func lateAnswer() {
    var machine = Machine.leading
    #expect(machine.after(.written(Self.reading(Self.lease(Self.me)), sentAt: Machine.at(9.9)), at: 10) == .stop)
  }

  @Test("a leader that finds another's name in the lease stops at once")
  func overtaken() {
    var machine = Machine.leading
    _ = machine.after(.due, at: 2)
    #expect(machine.after(.conflict, at: 2) == .read)
    #expect(machine.after(.read(Self.reading(Self.lease("other"))), at: 2) == .stop)
  }

  @Test("a leader whose lease somebody edited or deleted writes it again")
  func edited() {
    var machine = Machine.leading
    _ = machine.after(.conflict, at: 2)
    guard case .write(_, over: "9") = machine.after(.read(Self.reading(Self.lease(Self.me), version: "9")), at: 2)
    else {
      Issue.record("an edited lease is not renewed")
      return
    }
    guard case .write(_, over: nil) = machine.after(.read(nil), at: 2.5) else {
      Issue.record("a deleted lease is not created")
      return
    }
  }

  @Test("a candidate that loses the race waits, and looks again")
  func losesRace() {
    var machine = Machine()
    _ = machine.after(.read(nil), at: 0)
    guard case .wait = machine.after(.conflict, at: 0) else {
      Issue.record("it does not wait")
      return
    }
    #expect(machine.after(.due, at: 3) == .read)
  }

  @Test("with any delays and failures, two never lead at once")
  func model() {
    for seed in 0..<200 {
      var simulation = ElectionSimulation(seed: UInt64(seed))
      simulation.run(steps: 2000)
      #expect(simulation.overlaps == 0, "seed \(seed)")
      #expect(simulation.terms > 0, "seed \(seed)")
    }
  }
}

/// Two electors and one lease, with requests that are late, lost, or carried out though their answer is lost.
struct ElectionSimulation {
  private enum Request {
    case read
    case write(Lease.Spec, over: String?, sentAt: MonotonicTime)
  }

  private struct Peer {
    var state: LeaderElectionState
    var wakeAt = MonotonicTime.zero
    /// The request whose answer is waited for, and how long at most.
    var request: (id: Int, givenUpAt: MonotonicTime)?
    /// The answer, and when it arrives.
    var answer: (LeaderElectionState.Event, at: MonotonicTime)?
  }

  /// A request on its way; it is carried out even if nobody waits for the answer any more.
  private struct Sent {
    var id: Int
    var peer: Int
    var request: Request
    var servedAt: MonotonicTime
    var answeredAt: MonotonicTime
  }

  private var peers: [Peer]
  private var lease: LeaderElectionState.Reading?
  private var version = 0
  private var sent: [Sent] = []
  private var lastID = 0
  private var now = MonotonicTime.zero
  private var random: SplitMix
  private(set) var overlaps = 0
  private(set) var terms = 0

  init(seed: UInt64) {
    random = SplitMix(seed: seed)
    peers = ["a", "b"].map {
      Peer(state: LeaderElectionState(identity: $0, timing: LeaderElectionTiming()))
    }
  }

  mutating func run(steps: Int) {
    for _ in 0..<steps {
      now = now + .milliseconds(100)
      deliver()
      for index in peers.indices { advance(index) }
      let leading = peers.filter { $0.state.leadsUntil.map { now < $0 } ?? false }
      if leading.count > 1 { overlaps += 1 }
      if !leading.isEmpty { terms += 1 }
    }
  }

  private mutating func deliver() {
    for request in sent where request.servedAt <= now {
      let answer = serve(request.request)
      // Half a percent of answers is lost.
      guard peers[request.peer].request?.id == request.id, Int.random(in: 0..<200, using: &random) > 0 else { continue }
      peers[request.peer].answer = (answer, at: request.answeredAt)
    }
    sent.removeAll { $0.servedAt <= now }
  }

  private mutating func advance(_ index: Int) {
    guard let request = peers[index].request else {
      if peers[index].wakeAt <= now { act(index, .due) }
      return
    }
    let answer = peers[index].answer.flatMap { $0.at <= now ? $0.0 : nil }
    guard answer != nil || request.givenUpAt <= now else { return }
    peers[index].request = nil
    peers[index].answer = nil
    act(index, answer ?? .failed)
  }

  private mutating func act(_ index: Int, _ event: LeaderElectionState.Event) {
    switch peers[index].state.handle(event, now: now, wall: MicroTime(microsecondsSince1970: wall), using: &random) {
    case .wait(let until): peers[index].wakeAt = until
    case .read: send(index, .read)
    case .write(let spec, let over): send(index, .write(spec, over: over, sentAt: now))
    case .stop:
      // The process ends, and another one of the same name takes its place later.
      let identity = "\(index)-\(now)"
      peers[index].state = LeaderElectionState(identity: identity, timing: LeaderElectionTiming())
      peers[index].wakeAt = now + .seconds(1)
    }
  }

  private var wall: Int64 { Int64(version) }

  private mutating func send(_ index: Int, _ request: Request) {
    // Mostly quick; sometimes the network hangs for many seconds on either way.
    func delay() -> Duration {
      let hangs = Int.random(in: 0..<20, using: &random) == 0
      return .milliseconds(Int.random(in: 0..<(hangs ? 15_000 : 200), using: &random))
    }
    let served = now + delay()
    lastID += 1
    sent.append(Sent(id: lastID, peer: index, request: request, servedAt: served, answeredAt: served + delay()))
    // The driver gives up waiting for an answer when it may lead no longer.
    peers[index].request = (lastID, givenUpAt: peers[index].state.leadsUntil ?? now + .seconds(10))
  }

  private mutating func serve(_ request: Request) -> LeaderElectionState.Event {
    switch request {
    case .read: return .read(lease)
    case .write(let spec, let over, let sentAt):
      guard lease?.resourceVersion == over else { return .conflict }
      version += 1
      let written = LeaderElectionState.Reading(spec: spec, resourceVersion: "\(version)")
      lease = written
      return .written(written, sentAt: sentAt)
    }
  }
}
