import Foundation
import KubeClient
import KubeModel
import KubeRuntime
import ServiceLifecycle
import TestSupport
import Testing

@Suite("runtime: controllers, events and writes at a real API server", .serialized)
struct RuntimeServerTests {
  @Test("controllers share a store, write statuses, and every object is reconciled to its last spec")
  func wholeRuntime() async throws {
    let bed = try await TestBed.make()
    try await bed.create(0..<200)
    let runtime = Runtime(client: bed.client, namespaces: .only([bed.namespace]), logger: TestBed.quiet)
    let store = runtime.store(of: Widget.self)
    let status = StatusWriter(client: bed.client, fieldManager: "runtime-test")
    let controller = Controller(
      name: "widget", configuration: ControllerConfiguration(workers: 4),
      reconciler: ClosureReconciler { key in
        guard let widget = store[key] else { return .done }
        _ = try await status.applyIfChanged(Widget.Status(phase: "Seen", seen: widget.spec.size), to: widget)
        return .done
      }, logger: TestBed.quiet)
    controller.watch(store)
    let other = runtime.store(of: Widget.self, indexes: [StoreIndex("size") { ["\($0.spec.size)"] }])
    #expect(other === store)
    runtime.add(controller)
    #expect(!runtime.isReady && runtime.unsyncedKinds == ["Widget"])
    let group = ServiceGroup(configuration: .init(services: [.init(service: runtime)], logger: TestBed.quiet))
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      try await eventually("the runtime is ready") { runtime.isReady }
      try await bed.forEach(0..<200) { try await bed.setSize($0, $0 + 1000) }
      try await eventually(within: .seconds(60), "all statuses follow") {
        try await bed.client.listAll(Widget.self, namespace: bed.namespace).items.allSatisfy {
          $0.status?.seen == $0.spec.size && $0.spec.size >= 1000
        }
      }
      #expect(other.objects(index: "size", value: "1007").map(\.key.name) == ["w7"])
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
    await bed.client.shutdown()
  }

  @Test("controllers run only while their process leads; stores are warm before")
  func leaderOnly() async throws {
    let bed = try await TestBed.make()
    try await bed.create(0..<3)
    let lease = ObjectKey(namespace: bed.namespace, name: "leader")
    try await bed.client.create(
      Lease(
        metadata: ObjectMeta(key: lease),
        spec: Lease.Spec(holderIdentity: "other", leaseDurationSeconds: 2, renewTime: .now)))
    let elector = LeaderElector(
      client: bed.client,
      configuration: .init(
        lease: lease, identity: "me",
        timing: LeaderElectionTiming(
          leaseDuration: .seconds(2), renewDeadline: .seconds(1), retryPeriod: .milliseconds(100))),
      logger: TestBed.quiet)
    let runtime = Runtime(
      client: bed.client, namespaces: .only([bed.namespace]), election: elector, logger: TestBed.quiet)
    let store = runtime.store(of: Widget.self)
    let early = Shared(0)
    let runs = Shared(0)
    let controller = Controller(
      name: "widget",
      reconciler: ClosureReconciler { _ in
        if !elector.isLeading { early.withLock { $0 += 1 } }
        runs.withLock { $0 += 1 }
        return .done
      }, logger: TestBed.quiet)
    controller.watch(store)
    runtime.add(controller)
    let group = ServiceGroup(configuration: .init(services: [.init(service: runtime)], logger: TestBed.quiet))
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      try await eventually("the store is warm") { runtime.isReady }
      #expect(!elector.isLeading && runs.value == 0)
      try await eventually("we lead and reconcile") { runs.value == 3 }
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
    #expect(early.value == 0)
    #expect(try await bed.client.get(Lease.self, lease).spec?.holderIdentity ?? "" == "")
    await bed.client.shutdown()
  }

  @Test("kubectl describe shows events in the order in which they were recorded, repeated ones with their count")
  func describe() async throws {
    let bed = try await TestBed.make()
    try await bed.create(0..<1)
    let widget = try await bed.client.get(Widget.self, bed.key(0))
    let recorder = EventRecorder(client: bed.client, component: "runtime-test", logger: TestBed.quiet)
    let group = ServiceGroup(configuration: .init(services: [.init(service: recorder)], logger: TestBed.quiet))
    let reasons = ["Validated", "Started", "Halfway", "Slow", "Stored", "Finished"]
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      for reason in reasons { recorder.record(.normal, reason, "it came to \(reason)", about: widget) }
      for _ in 0..<3 { recorder.record(.warning, "Again", String(repeating: "ü", count: 2000), about: widget) }
      try await eventually("sending has begun") { recorder.waiting < reasons.count + 3 }
      // A shutdown sends what waits.
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
    let text = try await bed.kube.kubectl(
      "--namespace", bed.namespace, "describe", "widgets.runtime.tidemark.test", "w0")
    let places = reasons.map { text.range(of: "  \($0)  ")?.lowerBound }
    #expect(!places.contains(nil))
    #expect(places.compactMap { $0 } == places.compactMap { $0 }.sorted(), "\(text)")
    let events = try await bed.client.listAll(Event.self, namespace: bed.namespace).items
    #expect(events.count == reasons.count + 1)
    #expect(events.first { $0.reason == "Again" }?.count == 3)
    await bed.client.shutdown()
  }

  @Test("finalizers are added and removed beside those of others, however stale our view is")
  func finalizers() async throws {
    let bed = try await TestBed.make()
    try await bed.create(0..<1)
    let stale = try await bed.client.get(Widget.self, bed.key(0))
    let (mine, yours) = (
      Finalizer("runtime.tidemark.test/mine", client: bed.client),
      Finalizer("runtime.tidemark.test/yours", client: bed.client)
    )
    #expect(yours.isOn(try await yours.add(to: stale)))
    // `stale` still says that there is none.
    let both = try await mine.add(to: stale)
    #expect(mine.isOn(both) && yours.isOn(both))
    let again = try await mine.add(to: both)
    #expect(again.metadata.finalizers == both.metadata.finalizers)
    try await bed.delete(0)
    let deleting = try await bed.client.get(Widget.self, bed.key(0))
    #expect(deleting.metadata.isDeleting)
    try await yours.remove(from: deleting)
    // `deleting` still has both, in other places.
    try await mine.remove(from: deleting)
    #expect(try await bed.client.find(Widget.self, bed.key(0)) == nil)
    try await mine.remove(from: deleting)
    await bed.client.shutdown()
  }

  @Test("a finalizer meant for one life of an object does not land on the next one of its name")
  func nextLife() async throws {
    let bed = try await TestBed.make()
    try await bed.create(0..<1)
    let old = try await bed.client.get(Widget.self, bed.key(0))
    try await bed.delete(0)
    try await bed.create(0..<1)
    let finalizer = Finalizer("runtime.tidemark.test/mine", client: bed.client)
    _ = try await finalizer.add(to: old)
    #expect(try await bed.client.get(Widget.self, bed.key(0)).metadata.finalizers.isEmpty)
    let status = StatusWriter(client: bed.client, fieldManager: "runtime-test")
    await #expect(throws: KubeError.self) { try await status.apply(Widget.Status(phase: "Old"), to: old) }
    #expect(try await bed.client.get(Widget.self, bed.key(0)).status == nil)
    await bed.client.shutdown()
  }

  @Test("two writers of one object both get through: who was slower reads again")
  func conflicts() async throws {
    let bed = try await TestBed.make()
    try await bed.create(0..<1)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<3 {
        group.addTask {
          for _ in 0..<5 {
            _ = try await retryingOnConflict(Widget.self, bed.key(0), client: bed.client, attempts: 20) { widget in
              var widget = widget
              widget.spec.size += 1
              return try await bed.client.replace(widget)
            }
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try await bed.client.get(Widget.self, bed.key(0)).spec.size == 15)
    await bed.client.shutdown()
  }
}
