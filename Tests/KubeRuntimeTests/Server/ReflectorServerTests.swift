import KubeClient
import KubeModel
import KubeRuntime
import TestSupport
import Testing

@Suite("reflector: against a real API server", .serialized)
struct ReflectorServerTests {
  @Test("5,000 objects are listed in pages and watched, and every key's last version is told")
  func fiveThousand() async throws {
    let bed = try await TestBed.make()
    try await bed.create(0..<5000)
    let mirror = Mirror(bed.client, namespace: bed.namespace)
    try await mirror.whileRunning {
      try await mirror.store.waitForSync()
      #expect(mirror.store.count == 5000)
      try await bed.forEach(0..<300) { try await bed.setSize($0, -1) }
      try await bed.forEach(300..<500) { try await bed.delete($0) }
      try await bed.create(5000..<5100)
      try await mirror.expectEqual(bed)
      #expect(mirror.store.count == 4900)
      #expect(mirror.lists.value == 1)
      #expect(mirror.store[bed.key(7)]?.spec.size == -1)
    }
    await bed.client.shutdown()
  }

  @Test("an undecodable object is left out, blocks nobody, and comes in when it is mended")
  func undecodable() async throws {
    let bed = try await TestBed.make()
    try await bed.create(0..<3)
    try await bed.kube.kubectl(
      "--namespace", bed.namespace, "patch", "widgets.runtime.tidemark.test", "w1", "--type=merge", "--patch",
      #"{"spec":{"size":"large"}}"#)
    let mirror = Mirror(bed.client, namespace: bed.namespace)
    try await mirror.whileRunning {
      try await mirror.store.waitForSync()
      #expect(Set(mirror.store.snapshot.keys) == [bed.key(0), bed.key(2)])
      try await bed.kube.kubectl(
        "--namespace", bed.namespace, "patch", "widgets.runtime.tidemark.test", "w2", "--type=merge", "--patch",
        #"{"spec":{"size":[]}}"#)
      try await bed.create(3..<4)
      try await eventually("the next object arrives") { mirror.store[bed.key(3)] != nil }
      #expect(mirror.store[bed.key(2)]?.spec.size == 2)
      try await bed.kube.kubectl(
        "--namespace", bed.namespace, "patch", "widgets.runtime.tidemark.test", "w1", "--type=merge", "--patch",
        #"{"spec":{"size":11}}"#)
      try await eventually("the mended object arrives") { mirror.store[bed.key(1)]?.spec.size == 11 }
      #expect(mirror.lists.value == 1)
    }
    await bed.client.shutdown()
  }

  @Test("etcd compacted under a watch: 410, everything is listed anew, and what vanished is deleted")
  func compaction() async throws {
    let kube = try await TestKube.start(watchCache: .off)
    let bed = try await TestBed.make(on: kube)
    let proxy = try await FaultProxy.start(to: kube.port)
    let client = try bed.client(through: proxy)
    try await bed.create(0..<600)
    let mirror = Mirror(client, namespace: bed.namespace)
    try await mirror.whileRunning {
      try await mirror.store.waitForSync()
      try await proxy.closePort()
      proxy.resetConnections()
      try await bed.forEach(0..<100) { try await bed.delete($0) }
      try await bed.forEach(100..<200) { try await bed.setSize($0, -1) }
      try await bed.create(600..<650)
      try await kube.compact()
      try await proxy.openPort()
      try await mirror.expectEqual(bed)
      #expect(mirror.lists.value == 2)
      #expect(mirror.store.count == 550)
    }
    try await proxy.stop()
    await client.shutdown()
    await bed.client.shutdown()
    try await kube.remove()
  }

  @Test("the API server killed and started again during a watch: nothing is lost, and nothing is listed anew")
  func serverKilled() async throws {
    // Without its watch cache, which is empty after a start: it answers 410 to every version before its own start.
    let kube = try await TestKube.start(watchCache: .off)
    let bed = try await TestBed.make(on: kube)
    try await bed.create(0..<200)
    let mirror = Mirror(bed.client, namespace: bed.namespace)
    try await mirror.whileRunning {
      try await mirror.store.waitForSync()
      try await bed.create(200..<210)
      try await mirror.expectEqual(bed)
      try await kube.kill9(.apiserver)
      try await kube.start(.apiserver)
      try await bed.forEach(0..<50) { try await bed.delete($0) }
      try await bed.forEach(50..<100) { try await bed.setSize($0, -2) }
      try await mirror.expectEqual(bed)
      #expect(mirror.store.count == 160)
      #expect(mirror.lists.value == 1)
    }
    await bed.client.shutdown()
    try await kube.remove()
  }
}
