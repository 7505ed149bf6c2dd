import KubeModel
import KubeRuntime
import Synchronization
import Testing

@Suite("store")
struct StoreTests {
  private func map(_ name: String, in namespace: String = "a", _ version: Int, uid: String = "u", _ data: String = "")
    -> ConfigMap
  {
    var metadata = ObjectMeta(name: name, namespace: namespace)
    metadata.resourceVersion = "\(version)"
    metadata.uid = uid
    return ConfigMap(metadata: metadata, data: ["x": data])
  }

  /// The changes that a store told of, as words.
  private final class Told: Sendable {
    private let words = Mutex<[String]>([])
    var all: [String] { words.withLock { $0 } }

    func note(_ change: StoreChange<ConfigMap>) {
      let word =
        switch change {
        case .added(let new): "+\(new.key)@\(new.metadata.resourceVersion ?? "")"
        case .updated(let old, let new):
          "\(new.key)@\(old.metadata.resourceVersion ?? "")>\(new.metadata.resourceVersion ?? "")"
        case .deleted(let old): "-\(old.key)@\(old.metadata.resourceVersion ?? "")"
        }
      words.withLock { $0.append(word) }
    }
  }

  @Test("handlers hear of additions, updates and deletions, and nothing of a version that is there already")
  func changes() {
    let store = Store<ConfigMap>()
    let told = Told()
    store.onChange { told.note($0) }
    store.set([map("x", 1)])
    store.set([map("x", 1)])
    store.set([map("x", 2)])
    store.remove(map("x", 3))
    store.remove(map("x", 3))
    #expect(told.all == ["+a/x@1", "a/x@1>2", "-a/x@3"])
  }

  @Test("an object that was deleted and made anew in a gap is a deletion and an addition")
  func recreated() {
    let store = Store<ConfigMap>()
    let told = Told()
    store.onChange { told.note($0) }
    store.set([map("x", 1, uid: "first")])
    store.set([map("x", 9, uid: "second")])
    #expect(told.all == ["+a/x@1", "-a/x@1", "+a/x@9"])
  }

  @Test("a handler that comes late hears of everything that is there")
  func lateHandler() {
    let store = Store<ConfigMap>()
    store.set([map("x", 1), map("y", 2)])
    let told = Told()
    store.onChange { told.note($0) }
    #expect(told.all.sorted() == ["+a/x@1", "+a/y@2"])
  }

  @Test("what a complete list did not have is deleted, in its namespace only")
  func sweep() {
    let store = Store<ConfigMap>()
    store.set([map("x", 1), map("y", 2), map("z", in: "b", 3)])
    let told = Told()
    store.onChange { told.note($0) }
    store.removeAll(in: "a", except: [ObjectKey(namespace: "a", name: "y")])
    #expect(told.all.filter { $0.hasPrefix("-") } == ["-a/x@1"])
    store.removeAll(in: nil, except: [])
    #expect(store.count == 0)
    #expect(store.objects(in: "a").isEmpty)
  }

  @Test("objects are found by namespace and by the caller's indexes, which follow every change")
  func indexes() {
    let store = Store<ConfigMap>(indexes: [StoreIndex("x") { $0.data?["x"].map { [$0] } ?? [] }])
    store.set([map("one", 1, "red"), map("two", 2, "red"), map("three", in: "b", 3, "blue")])
    #expect(Set(store.objects(index: "x", value: "red").map(\.key.name)) == ["one", "two"])
    #expect(store.objects(in: "b").map(\.key.name) == ["three"])
    store.set([map("one", 4, "blue")])
    #expect(Set(store.objects(index: "x", value: "blue").map(\.key.name)) == ["one", "three"])
    store.remove(map("two", 5, "red"))
    #expect(store.objects(index: "x", value: "red").isEmpty)
    store.addIndex(StoreIndex("late") { [$0.key.name] })
    #expect(store.objects(index: "late", value: "three").count == 1)
    #expect(store.objects(index: "none", value: "x").isEmpty)
  }

  @Test("a snapshot is not touched by what happens after it")
  func snapshots() {
    let store = Store<ConfigMap>()
    store.set((0..<100).map { map("m\($0)", $0) })
    let snapshot = store.snapshot
    store.removeAll(in: nil, except: [])
    store.set([map("new", 1000)])
    #expect(snapshot.count == 100)
    #expect(snapshot[ObjectKey(namespace: "a", name: "m7")] != nil)
    #expect(store.count == 1)
  }

  @Test("a store is synced when all its reflectors are, and not before")
  func sync() async throws {
    let store = Store<ConfigMap>()
    store.expectReflector()
    store.expectReflector()
    store.reflectorSynced()
    #expect(!store.hasSynced)
    let waiting = Task { try await store.waitForSync() }
    store.reflectorSynced()
    try await waiting.value
    #expect(store.hasSynced)
  }

  @Test("who waits for a sync that does not come can be cancelled")
  func syncCancelled() async {
    let store = Store<ConfigMap>()
    let waiting = Task { try await store.waitForSync() }
    waiting.cancel()
    await #expect(throws: CancellationError.self) { try await waiting.value }
  }

  @Test("many tasks read while others write, and each sees whole objects")
  func concurrentReads() async {
    let store = Store<ConfigMap>(indexes: [StoreIndex("x") { $0.data?["x"].map { [$0] } ?? [] }])
    await withTaskGroup(of: Void.self) { group in
      for writer in 0..<4 {
        group.addTask {
          for round in 0..<500 {
            store.set([map("w\(writer)", round, round.isMultiple(of: 2) ? "even" : "odd")])
          }
        }
      }
      for _ in 0..<4 {
        group.addTask {
          for _ in 0..<500 {
            let snapshot = store.snapshot
            let indexed =
              snapshot.objects(index: "x", value: "even").count + snapshot.objects(index: "x", value: "odd").count
            #expect(indexed == snapshot.count)
          }
        }
      }
    }
    #expect(store.count == 4)
  }
}
