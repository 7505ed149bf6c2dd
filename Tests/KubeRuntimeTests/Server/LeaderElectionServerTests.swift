import Foundation
import KubeClient
import KubeModel
import KubeRuntime
import TestSupport
import Testing

@Suite("leader election: processes at a real API server", .serialized)
struct LeaderElectionServerTests {
  private func start(_ identity: String, _ bed: TestBed, _ timing: [String] = []) throws -> RunningProgram {
    try RunningProgram.start(
      try builtProgram("tidemark-fixture"),
      [
        "lease-holder", "--kubeconfig", bed.kube.kubeconfig, "--namespace", bed.namespace, "--lease", "leader",
        "--identity", identity,
      ] + timing)
  }

  /// The moments at which a process took itself for the leader, in nanoseconds.
  private func holds(_ program: RunningProgram) -> [Int64] {
    program.output.split(separator: "\n").compactMap { line in
      line.hasPrefix("hold ") ? Int64(line.dropFirst(5)) : nil
    }
  }

  @Test(
    "the holder is killed with SIGKILL: the other takes over within the lease's time, and never do both hold it",
    .timeLimit(.minutes(2)))
  func takesOver() async throws {
    let bed = try await TestBed.make()
    let first = try start("first", bed)
    try await first.line(containing: "hold", within: .seconds(20))
    let second = try start("second", bed)
    try await second.line(containing: "started", within: .seconds(20))
    // Long enough for the second to look, and for the first to renew.
    try await Task.sleep(for: .seconds(5))
    #expect(holds(second).isEmpty)
    try await first.kill()
    let killedAt = ContinuousClock.now
    try await second.line(containing: "hold", within: .seconds(30))
    let took = ContinuousClock.now - killedAt
    // The lease lasts 15 s from the last renewal that the second saw, and it looks every 2 to 4.4 s.
    #expect(took < .seconds(21), "it took \(took)")
    try await second.kill()
    let (last, next) = try (#require(holds(first).last), #require(holds(second).first))
    #expect(last < next)
    #expect(Duration.nanoseconds(next - last) > .seconds(10))
    await bed.client.shutdown()
  }

  @Test("three processes with short leases, the holder killed or letting go again and again: never do two hold it")
  func manyTerms() async throws {
    let bed = try await TestBed.make()
    let timing = ["--lease-milliseconds", "2000", "--renew-milliseconds", "1200", "--retry-milliseconds", "300"]
    var all: [RunningProgram] = []
    var running: [RunningProgram] = []
    for index in 0..<3 { running.append(try start("p\(index)", bed, timing)) }
    all = running
    for term in 0..<5 {
      let holder = try await eventually(within: .seconds(30), "somebody leads") {
        running.firstIndex { !holds($0).isEmpty }
      }
      try await running.remove(at: holder).kill()
      let next = try start("n\(term)", bed, timing + (term == 2 ? ["--hold-for", "500"] : []))
      running.append(next)
      all.append(next)
    }
    for program in running { try await program.kill() }
    let terms = all.map { holds($0) }.filter { !$0.isEmpty }.sorted { $0[0] < $1[0] }
    #expect(terms.count >= 5)
    for (term, next) in zip(terms, terms.dropFirst()) {
      #expect((term.last ?? 0) < next[0])
    }
    await bed.client.shutdown()
  }

  @Test("a holder that cannot reach the server stops before another takes over")
  func partitioned() async throws {
    let bed = try await TestBed.make()
    let proxy = try await FaultProxy.start(to: bed.kube.port)
    let cut = try bed.client(through: proxy)
    let timing = LeaderElectionTiming(
      leaseDuration: .seconds(3), renewDeadline: .seconds(2), retryPeriod: .milliseconds(500))
    let lease = ObjectKey(namespace: bed.namespace, name: "leader")
    let first = LeaderElector(
      client: cut, configuration: .init(lease: lease, identity: "first", timing: timing), logger: TestBed.quiet)
    let second = LeaderElector(
      client: bed.client, configuration: .init(lease: lease, identity: "second", timing: timing),
      logger: TestBed.quiet)
    let running = Task { try await first.run { try await Task.sleep(for: .seconds(60)) } }
    try await eventually("the first leads") { first.isLeading }
    let both = Shared(0)
    let waiting = Task { try await second.run { both.withLock { $0 += first.isLeading ? 1 : 0 } } }
    proxy.stallConnections()
    try await proxy.closePort()
    await #expect(throws: LeaderElectionError.lost(lease)) { try await running.value }
    #expect(!second.isLeading)
    try await waiting.value
    #expect(both.value == 0)
    try await proxy.stop()
    await cut.shutdown()
    await bed.client.shutdown()
  }
}
