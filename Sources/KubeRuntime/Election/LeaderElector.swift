public import KubeClient
public import KubeModel
public import Logging
import Metrics
import ServiceLifecycle
import Synchronization

/// Has one of several processes lead at a time, by a Lease.
///
/// **Expected flow.** `run` waits until the lease is ours, runs its body, and renews the lease all the while. When the
/// body ends, the lease is released, and the next process leads within its retry period.
///
/// **Guarantees.**
/// - The body runs only while the lease is ours by our own monotonic clock: from the moment at which the write that
///   took or renewed it was *sent*, for `renewDeadline` (10 s). Others leave a lease alone for `leaseDuration` (15 s)
///   after they saw it change. No wall clock is trusted, neither ours nor that of others.
/// - When the lease is lost, the body's task is cancelled at once, and `run` throws `LeaderElectionError.lost`.
/// - A graceful shutdown while waiting ends `run` without an error. One while leading is the body's to heed; the lease
///   is renewed until the body has ended, and released after that.
///
/// **Assumptions.** The body heeds cancellation within `leaseDuration - renewDeadline` (5 s). Each process has an
/// identity of its own; the default one is new for each process.
///
/// **Caveats.** A lease does not fence: a process that was stopped and goes on later, or a request that is under way,
/// may act once after another process leads. What must not happen twice has to be refused by where it is written.
public final class LeaderElector: Sendable {
  /// Which lease is contended for, and in whose name.
  public struct Configuration: Sendable {
    /// The lease's namespace and name.
    public var lease: ObjectKey
    /// Who we are; no other process may have the same.
    public var identity: String
    /// The times.
    public var timing: LeaderElectionTiming

    /// A lease, contended for in the name of `identity`.
    public init(lease: ObjectKey, identity: String, timing: LeaderElectionTiming = LeaderElectionTiming()) {
      self.lease = lease
      self.identity = identity
      self.timing = timing
    }
  }

  private struct Guarded {
    var state: LeaderElectionState
    var random = SystemRandomNumberGenerator()
  }

  private let leases: LeaseAccess
  private let configuration: Configuration
  private let clock: RuntimeClock
  private let logger: Logger
  private let master: Meter
  private let guarded: Mutex<Guarded>

  /// An elector that contends for a lease of this API server's.
  public convenience init(
    client: KubeClient, configuration: Configuration, clock: RuntimeClock = .continuous, logger: Logger
  ) {
    self.init(
      leases: LeaseAccess(client: client, key: configuration.lease), configuration: configuration, clock: clock,
      logger: logger)
  }

  package init(leases: LeaseAccess, configuration: Configuration, clock: RuntimeClock, logger: Logger) {
    var logger = logger
    logger[metadataKey: "lease"] = "\(configuration.lease)"
    logger[metadataKey: "identity"] = "\(configuration.identity)"
    self.leases = leases
    self.configuration = configuration
    self.clock = clock
    self.logger = logger
    self.master = Meter(label: "leader_election_master_status", dimensions: [("name", configuration.lease.name)])
    self.guarded = Mutex(
      Guarded(state: LeaderElectionState(identity: configuration.identity, timing: configuration.timing)))
  }

  /// Whether we lead at this moment, by our own clock.
  public var isLeading: Bool {
    let now = clock.now
    return guarded.withLock { $0.state.leadsUntil }.map { now < $0 } ?? false
  }

  /// Waits until we lead, runs `lead`, and releases the lease. Call it once.
  public func run(_ lead: @escaping @Sendable () async throws -> Void) async throws {
    master.set(0)
    guard try await acquire() else { return }
    logger.info("leading")
    master.set(1)
    defer { master.set(0) }
    do {
      try await whileRenewing(lead)
    } catch let error as LeaderElectionError {
      logger.error("the lease is lost; stopping at once", metadata: ["error": "\(error)"])
      throw error
    } catch {
      await release()
      throw error
    }
    await release()
  }

  /// Whether the lease became ours; `false`: a graceful shutdown came first.
  private func acquire() async throws -> Bool {
    do {
      try await cancelWhenGracefulShutdown { try await self.contend() }
      return true
    } catch is CancellationError {
      try Task.checkCancellation()
      // A write that took the lease may have been under way.
      await release()
      return false
    }
  }

  private func contend() async throws {
    var action = decide(.due)
    while !isLeading {
      action = try await perform(action)
    }
  }

  private func whileRenewing(_ lead: @escaping @Sendable () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await lead() }
      group.addTask { try await self.renew() }
      // Whichever ends first ends the other; the group waits for both.
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  /// Renews until the lease is lost (and throws so), or the task is cancelled.
  private func renew() async throws {
    var action = LeaderElectionState.Action.wait(until: clock.now + configuration.timing.retryPeriod)
    while action != .stop {
      action = try await perform(action)
    }
    throw LeaderElectionError.lost(configuration.lease)
  }

  private func perform(_ action: LeaderElectionState.Action) async throws -> LeaderElectionState.Action {
    try Task.checkCancellation()
    switch action {
    case .stop:
      return .stop
    case .wait(let time):
      try await clock.sleep(until: time)
      return decide(.due)
    case .read:
      return try await attempt { .read(try await self.leases.read()) }
    case .write(let spec, let version):
      let sentAt = clock.now
      return try await attempt { .written(try await self.leases.write(spec, version), sentAt: sentAt) }
    }
  }

  /// Makes a request, which must not take longer than we lead, or than a candidate's turn.
  private func attempt(
    _ request: @escaping @Sendable () async throws -> LeaderElectionState.Event
  ) async throws -> LeaderElectionState.Action {
    let deadline = guarded.withLock { $0.state.leadsUntil } ?? (clock.now + configuration.timing.renewDeadline)
    do {
      let event = try await withThrowingTaskGroup(of: LeaderElectionState.Event.self) { group in
        group.addTask { try await request() }
        group.addTask {
          try await self.clock.sleep(until: deadline)
          return .failed
        }
        defer { group.cancelAll() }
        return try await group.next() ?? .failed
      }
      return decide(event)
    } catch {
      try Task.checkCancellation()
      if let error = error as? KubeError, error.isConflict || error.isAlreadyExists { return decide(.conflict) }
      logger.warning("the lease could not be read or written", metadata: ["error": "\(error)"])
      return decide(.failed)
    }
  }

  private func decide(_ event: LeaderElectionState.Event) -> LeaderElectionState.Action {
    let now = clock.now
    return guarded.withLock { $0.state.handle(event, now: now, wall: .now, using: &$0.random) }
  }

  /// Gives the lease up if it is ours. Where that fails it runs out by itself.
  private func release() async {
    do {
      guard let reading = try await leases.read(), reading.spec.holderIdentity == configuration.identity else { return }
      _ = try await leases.write(LeaderElectionState.release(of: reading.spec, wall: .now), reading.resourceVersion)
      logger.info("lease released")
    } catch {
      logger.warning("the lease could not be released and will run out", metadata: ["error": "\(error)"])
    }
  }
}

/// Why leading ended.
public enum LeaderElectionError: Error, Hashable, CustomStringConvertible {
  /// The lease could not be renewed in time, or somebody else has it.
  case lost(ObjectKey)

  /// A stable word for logs and exit messages.
  public var code: String { "LeaseLost" }

  public var description: String {
    switch self {
    case .lost(let key):
      "the lease \(key) could not be renewed in time or is another's; this process must not go on. Start it again, "
        + "and check the connection to the API server"
    }
  }
}
