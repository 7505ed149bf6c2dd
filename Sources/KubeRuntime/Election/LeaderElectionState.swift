package import KubeModel

/// The decisions of leader election, as a value: what the lease says and what became of our writes goes in, what to do
/// next comes out.
///
/// The rules are those of client-go's `tools/leaderelection/leaderelection.go`: a candidate trusts no clock but its
/// own. It takes a lease over when it has not seen it change for as long as the lease says that it holds, whatever
/// time the holder wrote into it. A leader counts from the moment at which it *sent* its last successful write, and
/// gives up `renewDeadline` later, which is before anybody else may take over.
package struct LeaderElectionState: Sendable {
  /// A lease as it was read, and its version for the write that follows.
  package struct Reading: Equatable, Sendable {
    package var spec: Lease.Spec
    package var resourceVersion: String?

    package init(spec: Lease.Spec, resourceVersion: String?) {
      self.spec = spec
      self.resourceVersion = resourceVersion
    }
  }

  /// What we are.
  package enum Role: Equatable, Sendable {
    case candidate(seen: Sighting?)
    case leader(Reading, sentAt: MonotonicTime)
    case lost
  }

  /// What a lease said, and since when by our clock.
  package struct Sighting: Equatable, Sendable {
    package var spec: Lease.Spec
    package var since: MonotonicTime
  }

  /// What happened.
  package enum Event: Sendable {
    /// It is time to act.
    case due
    /// The lease was read; `nil`: there is none.
    case read(Reading?)
    /// Our write, sent at that moment, succeeded.
    case written(Reading, sentAt: MonotonicTime)
    /// Another write was faster.
    case conflict
    /// No answer, or a useless one.
    case failed
  }

  /// What to do next.
  package enum Action: Equatable, Sendable {
    case read
    /// Write the lease in place of this version; `nil`: create it.
    case write(Lease.Spec, over: String?)
    /// Nothing, until that moment.
    case wait(until: MonotonicTime)
    /// Stop leading at once.
    case stop
  }

  private(set) package var role = Role.candidate(seen: nil)
  private let identity: String
  private let timing: LeaderElectionTiming

  package init(identity: String, timing: LeaderElectionTiming) {
    self.identity = identity
    self.timing = timing
  }

  /// Until when we may take ourselves for the leader, without another successful write.
  package var leadsUntil: MonotonicTime? {
    guard case .leader(_, let sentAt) = role else { return nil }
    return sentAt + timing.renewDeadline
  }

  /// Takes what happened, and says what to do next. `wall` is what we write into the lease for people to read.
  package mutating func handle(
    _ event: Event, now: MonotonicTime, wall: MicroTime, using random: inout some RandomNumberGenerator
  ) -> Action {
    if let leadsUntil, now >= leadsUntil {
      role = .lost
      return .stop
    }
    switch (role, event) {
    case (.lost, _):
      return .stop
    case (.candidate, .due):
      return .read
    case (.candidate(let seen), .read(let reading)):
      return candidateRead(reading, seen, now: now, wall: wall, using: &random)
    case (.candidate, .conflict), (.candidate, .failed):
      return pause(now: now, using: &random)
    case (.candidate, .written(_, let sentAt)) where now >= sentAt + timing.renewDeadline:
      // The answer took so long that it says nothing about now.
      return .read
    case (_, .written(let reading, let sentAt)):
      role = .leader(reading, sentAt: sentAt)
      return .wait(until: now + timing.retryPeriod)
    case (.leader(let reading, _), .due):
      return .write(renewal(of: reading.spec, wall: wall), over: reading.resourceVersion)
    case (.leader, .conflict):
      return .read
    case (.leader(_, let sentAt), .failed):
      return .wait(until: min(now + timing.retryPeriod, sentAt + timing.renewDeadline))
    case (.leader(let last, _), .read(nil)):
      return .write(renewal(of: last.spec, wall: wall), over: nil)
    case (.leader, .read(.some(let reading))):
      guard reading.spec.holderIdentity == identity else {
        role = .lost
        return .stop
      }
      return .write(renewal(of: reading.spec, wall: wall), over: reading.resourceVersion)
    }
  }

  private mutating func candidateRead(
    _ reading: Reading?, _ seen: Sighting?, now: MonotonicTime, wall: MicroTime,
    using random: inout some RandomNumberGenerator
  ) -> Action {
    guard let reading else {
      role = .candidate(seen: nil)
      return .write(claim(transitions: 0, wall: wall), over: nil)
    }
    let sighting =
      if let seen, seen.spec == reading.spec { seen } else { Sighting(spec: reading.spec, since: now) }
    role = .candidate(seen: sighting)
    let holder = reading.spec.holderIdentity ?? ""
    let term = reading.spec.leaseDurationSeconds.map { Duration.seconds($0) } ?? timing.leaseDuration
    guard holder.isEmpty || holder == identity || now - sighting.since >= term else {
      return pause(now: now, using: &random)
    }
    return .write(
      claim(transitions: (reading.spec.leaseTransitions ?? 0) + 1, wall: wall), over: reading.resourceVersion)
  }

  /// The retry period and up to 1.2 times as much more, so that candidates don't ask in step.
  private func pause(now: MonotonicTime, using random: inout some RandomNumberGenerator) -> Action {
    .wait(until: now + .random(in: timing.retryPeriod...(timing.retryPeriod * 2.2), using: &random))
  }

  private func claim(transitions: Int, wall: MicroTime) -> Lease.Spec {
    Lease.Spec(
      holderIdentity: identity, leaseDurationSeconds: timing.leaseSeconds, acquireTime: wall, renewTime: wall,
      leaseTransitions: transitions)
  }

  private func renewal(of spec: Lease.Spec, wall: MicroTime) -> Lease.Spec {
    var spec = spec
    spec.leaseDurationSeconds = timing.leaseSeconds
    spec.renewTime = wall
    return spec
  }

  /// What to write to give up a lease: it is free at once. One second, as client-go has it, because zero is refused.
  package static func release(of spec: Lease.Spec, wall: MicroTime) -> Lease.Spec {
    Lease.Spec(
      holderIdentity: "", leaseDurationSeconds: 1, acquireTime: wall, renewTime: wall,
      leaseTransitions: spec.leaseTransitions)
  }
}

/// The times of leader election.
public struct LeaderElectionTiming: Hashable, Sendable {
  /// How long others leave a lease alone that is not renewed. Whole seconds: that is what a Lease can say.
  public var leaseDuration: Duration
  /// A leader that could not renew for so long stops; must be shorter than `leaseDuration`.
  public var renewDeadline: Duration
  /// How often the leader renews and, with jitter, candidates look.
  public var retryPeriod: Duration

  /// 15 s, 10 s and 2 s, as all of Kubernetes has them.
  public init(
    leaseDuration: Duration = .seconds(15), renewDeadline: Duration = .seconds(10), retryPeriod: Duration = .seconds(2)
  ) {
    precondition(leaseDuration > renewDeadline, "a leader has to stop before its lease runs out")
    precondition(renewDeadline > retryPeriod * 1.2, "a leader needs time for more than one try")
    self.leaseDuration = leaseDuration
    self.renewDeadline = renewDeadline
    self.retryPeriod = retryPeriod
  }

  var leaseSeconds: Int { Int(leaseDuration.seconds.rounded(.up)) }
}
