import KubeClient
import KubeRuntime
import TestSupport
import Testing

@Suite("reflector: memory is back where it was, at a real API server", .serialized)
struct ReflectorMemoryTests {
  /// What the allocator may keep: a tenth of what 5,000 objects take while they are listed twice over.
  private static let slack = 24 << 20

  @Test("connections cut at random bytes while objects change: the store equals the server's list, memory is back")
  func cutConnections() async throws {
    let bed = try await TestBed.make()
    let proxy = try await FaultProxy.start(to: bed.kube.port)
    let client = try bed.client(through: proxy)
    try await bed.create(0..<1000, padding: 500)
    // One quiet round, so that what is measured first has all its pools and caches.
    try await followChanges(bed, client, rounds: 1) {}
    let before = try residentBytes()
    try await followChanges(bed, client, rounds: 12) {
      proxy.rule { connection in
        .reset(after: Int.random(in: 0..<(connection.isMultiple(of: 3) ? 400_000 : 20_000)), .toClient)
      }
    }
    proxy.inject(.none)
    #expect(proxy.connectionCount > 20)
    let after = try residentBytes()
    #expect(after - before < 24 << 20, "\(before >> 20) MiB before, \(after >> 20) MiB after")
    try await proxy.stop()
    await client.shutdown()
    await bed.client.shutdown()
  }

  /// Mirrors the widgets while they change, with faults, then without, and expects all to be told at the end.
  private func followChanges(
    _ bed: TestBed, _ client: KubeClient, rounds: Int, faults: @Sendable () -> Void
  ) async throws {
    let mirror = Mirror(client, namespace: bed.namespace)
    faults()
    try await mirror.whileRunning {
      for round in 0..<rounds {
        try await bed.forEach(0..<120) { try await bed.setSize(($0 * 7 + round * 131) % 900, round) }
        try await bed.forEach(900..<930) { try await bed.delete($0 + round % 3 * 30) }
        try await bed.forEach(900..<930) { index in
          _ = try? await bed.client.create(
            Widget("w\(index + round % 3 * 30)", in: bed.namespace, size: round, padding: 500))
        }
      }
      try await mirror.expectEqual(bed, within: .seconds(90))
    }
  }

  @Test("5,000 objects, listed anew after a 410 again and again, then the API server killed: memory is back")
  func afterGoneAndRestart() async throws {
    let kube = try await TestKube.start(watchCache: .off)
    let bed = try await TestBed.make(on: kube)
    let proxy = try await FaultProxy.start(to: kube.port)
    let client = try bed.client(through: proxy)
    try await bed.create(0..<5000, padding: 500)
    let mirror = Mirror(client, namespace: bed.namespace)
    try await mirror.whileRunning {
      try await mirror.store.waitForSync()
      // One quiet round, so that what is measured first has all its pools and caches.
      try await compactUnderWatch(bed, proxy, round: 0)
      try await mirror.expectEqual(bed)
      let before = try residentBytes()
      for round in 1...3 {
        try await compactUnderWatch(bed, proxy, round: round)
        try await mirror.expectEqual(bed)
      }
      #expect(mirror.lists.value == 5)
      let afterGone = try residentBytes()
      #expect(afterGone - before < Self.slack, "\(before >> 20) MiB before, \(afterGone >> 20) MiB after")

      try await kube.kill9(.apiserver)
      try await kube.start(.apiserver)
      try await bed.forEach(0..<200) { try await bed.setSize($0, -9) }
      try await mirror.expectEqual(bed)
      let afterRestart = try residentBytes()
      #expect(afterRestart - before < Self.slack, "\(before >> 20) MiB before, \(afterRestart >> 20) MiB after")
      #expect(mirror.lists.value == 5 && mirror.store.count == 5000)
    }
    try await proxy.stop()
    await client.shutdown()
    await bed.client.shutdown()
    try await kube.remove()
  }

  /// Cuts the watch off, and has etcd forget the version that it would go on from.
  private func compactUnderWatch(_ bed: TestBed, _ proxy: FaultProxy, round: Int) async throws {
    try await proxy.closePort()
    proxy.resetConnections()
    try await bed.forEach(0..<100) { try await bed.setSize($0, 1000 + round) }
    try await bed.kube.compact()
    try await proxy.openPort()
  }
}
