import KubeModel
import KubeRuntime
import Logging
import ServiceLifecycle
import TestSupport
import Testing

/// A reconciler made of a closure.
struct ClosureReconciler: Reconciler {
  let body: @Sendable (ObjectKey) async throws -> ReconcileResult

  init(_ body: @escaping @Sendable (ObjectKey) async throws -> ReconcileResult) { self.body = body }

  func reconcile(_ key: ObjectKey) async throws -> ReconcileResult { try await body(key) }
}

@Suite("controller")
struct ControllerTests {
  private let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

  private func map(_ name: String, _ version: Int, generation: Int64 = 1, owner: String? = nil) -> ConfigMap {
    var metadata = ObjectMeta(name: name, namespace: "a")
    metadata.resourceVersion = "\(version)"
    metadata.uid = name
    metadata.generation = generation
    if let owner {
      metadata.ownerReferences = [
        OwnerReference(apiVersion: "v1", kind: "Secret", name: owner, uid: owner, controller: true)
      ]
    }
    return ConfigMap(metadata: metadata)
  }

  private func key(_ name: String) -> ObjectKey { ObjectKey(namespace: "a", name: name) }

  /// Runs a controller as a service while `body` runs, then shuts it down in good order.
  private func run(_ controller: Controller, _ body: @Sendable () async throws -> Void) async throws {
    let group = ServiceGroup(configuration: .init(services: [.init(service: controller)], logger: logger))
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      try await body()
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
  }

  @Test("nothing is reconciled before all watched stores have synced; then everything is, once")
  func waitsForSync() async throws {
    let (first, second) = (Store<ConfigMap>(), Store<Secret>())
    first.expectReflector()
    second.expectReflector()
    let seen = Shared<[ObjectKey]>([])
    let controller = Controller(
      name: "test",
      reconciler: ClosureReconciler { key in
        seen.withLock { $0.append(key) }
        return .done
      }, logger: logger)
    controller.watch(first)
    controller.watch(second, mappedTo: { _ in [] })
    first.set([map("x", 1), map("y", 2)])
    first.reflectorSynced()
    try await run(controller) {
      #expect(seen.value.isEmpty)
      second.reflectorSynced()
      #expect(await soon { seen.value.count == 2 })
    }
    #expect(Set(seen.value) == [key("x"), key("y")])
  }

  @Test("an error is tried again after its backoff, a requeue after its delay")
  func retries() async throws {
    let store = synced()
    let clock = ManualClock()
    let seen = Shared<[Duration]>([])
    let controller = Controller(
      name: "test",
      reconciler: ClosureReconciler { _ in
        struct Failure: Error {}
        let runs = seen.withLock { seen in
          seen.append(clock.now.offset)
          return seen.count
        }
        if runs <= 3 { throw Failure() }
        return runs == 4 ? .requeue(after: .seconds(60)) : .done
      }, clock: clock.runtime, logger: logger)
    controller.watch(store)
    store.set([map("x", 1)])
    try await run(controller) {
      #expect(
        await soon {
          if clock.sleeperCount > 0 { clock.advance(by: .milliseconds(5)) }
          return seen.value.count == 4
        })
      let last = seen.value[3]
      #expect(
        await soon(within: .seconds(30)) {
          if clock.sleeperCount > 0 { clock.advance(by: .milliseconds(500)) }
          return seen.value.count == 5
        })
      #expect(seen.value[4] - last >= .seconds(60) && seen.value[4] - last < .seconds(70))
    }
  }

  @Test("changes of the status alone are filtered, those of the spec and deletions are not")
  func filters() async throws {
    let store = synced()
    let seen = Shared(0)
    let controller = Controller(
      name: "test",
      reconciler: ClosureReconciler { _ in
        seen.withLock { $0 += 1 }
        return .done
      }, logger: logger)
    controller.watch(store, filter: .generationChanged)
    try await run(controller) {
      store.set([map("x", 1)])
      #expect(await soon { seen.value == 1 })
      store.set([map("x", 2)])
      store.set([map("x", 3, generation: 2)])
      #expect(await soon { seen.value == 2 })
      store.remove(map("x", 4, generation: 2))
      #expect(await soon { seen.value == 3 })
    }
    #expect(seen.value == 3)
  }

  @Test("a change of an owned object has its owner reconciled, and one that changes owners both")
  func owners() async throws {
    let store = synced()
    let seen = Shared<[String]>([])
    let controller = Controller(
      name: "test", configuration: ControllerConfiguration(workers: 1),
      reconciler: ClosureReconciler { key in
        seen.withLock { $0.append(key.name) }
        return .done
      }, logger: logger)
    controller.watch(store, ownedBy: Secret.self)
    try await run(controller) {
      store.set([map("x", 1, owner: "one")])
      #expect(await soon { seen.value == ["one"] })
      store.set([map("x", 2, owner: "two")])
      // In no order that is promised.
      #expect(await soon { seen.value.sorted() == ["one", "one", "two"] })
    }
  }

  @Test("no more reconciles run at once than there are workers", arguments: [1, 4])
  func bounded(workers: Int) async throws {
    let store = synced()
    let running = Shared((now: 0, most: 0, total: 0))
    let controller = Controller(
      name: "test", configuration: ControllerConfiguration(workers: workers),
      reconciler: ClosureReconciler { _ in
        running.withLock {
          $0.now += 1
          $0.most = max($0.most, $0.now)
        }
        try await Task.sleep(for: .milliseconds(2))
        running.withLock {
          $0.now -= 1
          $0.total += 1
        }
        return .done
      }, logger: logger)
    controller.watch(store)
    store.set((0..<50).map { map("m\($0)", $0) })
    try await run(controller) {
      #expect(await soon { running.value.total == 50 })
    }
    #expect(running.value.most == workers)
  }

  @Test("on shutdown running reconciles finish, waiting ones do not begin")
  func finishesRunning() async throws {
    let store = synced()
    let (begun, ended, cancelled) = (Shared(0), Shared(0), Shared(0))
    let controller = Controller(
      name: "test", configuration: ControllerConfiguration(workers: 1),
      reconciler: ClosureReconciler { _ in
        begun.withLock { $0 += 1 }
        do { try await Task.sleep(for: .milliseconds(200)) } catch { cancelled.withLock { $0 += 1 } }
        ended.withLock { $0 += 1 }
        return .done
      }, logger: logger)
    controller.watch(store)
    store.set((0..<10).map { map("m\($0)", $0) })
    try await run(controller) { #expect(await soon { begun.value == 1 }) }
    #expect(begun.value == 1 && ended.value == 1 && cancelled.value == 0)
  }

  @Test("a reconcile that outlasts the grace is cancelled")
  func cancelsLate() async throws {
    let store = synced()
    let (begun, cancelled) = (Shared(0), Shared(0))
    let controller = Controller(
      name: "test", configuration: ControllerConfiguration(shutdownGrace: .milliseconds(100)),
      reconciler: ClosureReconciler { _ in
        begun.withLock { $0 += 1 }
        do { try await Task.sleep(for: .seconds(60)) } catch { cancelled.withLock { $0 += 1 } }
        return .done
      }, logger: logger)
    controller.watch(store)
    store.set([map("x", 1)])
    let start = ContinuousClock.now
    try await run(controller) { #expect(await soon { begun.value == 1 }) }
    #expect(cancelled.value == 1)
    #expect(ContinuousClock.now - start < .seconds(10))
  }

  private func synced() -> Store<ConfigMap> {
    let store = Store<ConfigMap>()
    store.expectReflector()
    store.reflectorSynced()
    return store
  }
}
