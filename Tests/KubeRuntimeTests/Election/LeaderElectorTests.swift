import KubeClient
import KubeModel
import KubeRuntime
import Logging
import Synchronization
import TestSupport
import Testing

/// A lease in memory whose server can be made to fail.
private final class FakeLease: Sendable {
  struct State {
    var reading: LeaderElectionState.Reading?
    var version = 0
    var isDown = false
  }

  let state = Mutex(State())

  var holder: String? { state.withLock { $0.reading?.spec.holderIdentity } }

  var access: LeaseAccess {
    LeaseAccess(
      read: { try self.state.withLock { try Self.check($0).reading } },
      write: { spec, version in
        try self.state.withLock { state in
          guard try Self.check(state).reading?.resourceVersion == version else {
            throw KubeError.status(KubeStatus(code: 409, reason: .conflict))
          }
          state.version += 1
          let reading = LeaderElectionState.Reading(spec: spec, resourceVersion: "\(state.version)")
          state.reading = reading
          return reading
        }
      })
  }

  private static func check(_ state: State) throws -> State {
    guard !state.isDown else { throw KubeError.status(KubeStatus(code: 503, reason: .serviceUnavailable)) }
    return state
  }
}

@Suite("leader election: with tasks")
struct LeaderElectorTests {
  private func elector(_ identity: String, _ lease: FakeLease, _ clock: ManualClock) -> LeaderElector {
    LeaderElector(
      leases: lease.access,
      configuration: .init(lease: ObjectKey(namespace: "a", name: "lease"), identity: identity), clock: clock.runtime,
      logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
  }

  @Test("the body runs while the lease is held, and the lease is released after it")
  func releases() async throws {
    let (lease, clock) = (FakeLease(), ManualClock())
    let elector = elector("me", lease, clock)
    #expect(!elector.isLeading)
    try await elector.run {
      #expect(lease.holder == "me")
      #expect(elector.isLeading)
    }
    #expect(lease.holder == "")
  }

  @Test("when the lease cannot be renewed for 10 s the body is cancelled at once, and run throws")
  func lost() async {
    let (lease, clock) = (FakeLease(), ManualClock())
    let elector = elector("me", lease, clock)
    let isCancelled = Shared(false)
    let running = Task {
      try await elector.run {
        try? await Task.sleep(for: .seconds(60))
        isCancelled.withLock { $0 = Task.isCancelled }
      }
    }
    #expect(await soon { elector.isLeading && clock.sleeperCount == 1 })
    lease.state.withLock { $0.isDown = true }
    #expect(
      await soon {
        if clock.sleeperCount > 0 { clock.advance(by: .milliseconds(500)) }
        return isCancelled.value
      })
    #expect(!elector.isLeading)
    #expect(clock.now.offset <= .seconds(15))
    let key = ObjectKey(namespace: "a", name: "lease")
    await #expect(throws: LeaderElectionError.lost(key)) { try await running.value }
    // It is not ours to release any more.
    #expect(lease.holder == "me")
  }

  @Test("an error of the body releases the lease and is thrown on")
  func bodyFails() async {
    struct Failure: Error {}
    let (lease, clock) = (FakeLease(), ManualClock())
    let elector = elector("me", lease, clock)
    await #expect(throws: Failure.self) { try await elector.run { throw Failure() } }
    #expect(lease.holder == "")
  }

  @Test("a second elector leads when the first has released, without waiting for the lease to run out")
  func succeeds() async throws {
    let (lease, clock) = (FakeLease(), ManualClock())
    let (first, second) = (elector("first", lease, clock), elector("second", lease, clock))
    let end = Shared(false)
    let running = Task {
      try await first.run {
        while !end.value { try await Task.sleep(for: .milliseconds(1)) }
      }
    }
    #expect(await soon { first.isLeading })
    let waiting = Task { try await second.run { #expect(lease.holder == "second") } }
    #expect(await soon { clock.sleeperCount == 2 })
    #expect(!second.isLeading)
    end.withLock { $0 = true }
    try await running.value
    let released = clock.now.offset
    #expect(
      await soon {
        if clock.sleeperCount > 0 { clock.advance(by: .milliseconds(100)) }
        return lease.holder == "" && clock.now.offset > released
      })
    clock.advance(by: .seconds(5))
    try await waiting.value
  }
}
