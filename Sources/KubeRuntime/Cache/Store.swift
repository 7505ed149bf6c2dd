public import KubeModel
import Synchronization

/// The objects of one kind as the API server last told of them, kept up to date by reflectors.
///
/// **Guarantees.**
/// - Reads take a short lock and copy nothing but a reference; `snapshot` gives a consistent view of all objects.
/// - Handlers see the changes of a key in order, and each key's last version: an object that changed several times
///   while a watch was broken gives one update with the newest state, one that vanished gives a deletion.
/// - A handler that is registered late is first told of everything that is there.
/// - `waitForSync` returns only after every reflector that feeds the store has listed everything once.
///
/// **Assumptions.** Handlers return quickly and never write to the store that calls them (reading it is fine); they
/// put a key in a queue, and the work is done elsewhere. Only one reflector feeds a given namespace.
///
/// **Caveats.** What is read is the past: a write that just succeeded may not be in the store yet. Deletions that
/// fell into a gap of the watch are reported with the last state that was seen.
public final class Store<R: KubeResource>: Sendable {
  /// Called with each change, in order.
  public typealias Handler = @Sendable (StoreChange<R>) -> Void

  private let contents = Mutex(StoreSnapshot<R>())
  /// Held while a change is made and told, so that handlers see changes in the order in which they were made. Reads
  /// don't take it, so handlers may read.
  private let handlers = Mutex<[Handler]>([])
  private let sync = Mutex(Sync())
  private let synced = Gate()

  private struct Sync {
    var reflectors = 0
    var finished = 0
  }

  /// An empty store with these indexes; that of the namespace is built in.
  public init(indexes: [StoreIndex<R>] = []) {
    for index in indexes { addIndex(index) }
  }

  /// The contents at this moment.
  public var snapshot: StoreSnapshot<R> { contents.withLock { $0 } }

  /// How many objects there are.
  public var count: Int { contents.withLock { $0.count } }

  /// The object of this key.
  public subscript(key: ObjectKey) -> R? { contents.withLock { $0[key] } }

  /// The objects of a namespace, in no order; `nil`: all.
  public func objects(in namespace: String?) -> [R] { snapshot.objects(in: namespace) }

  /// The objects that an index finds under a value, in no order.
  public func objects(index: String, value: String) -> [R] { snapshot.objects(index: index, value: value) }

  /// Adds an index; objects that are there are in it when this returns. One of the same name is replaced.
  public func addIndex(_ index: StoreIndex<R>) {
    contents.withLock { $0.add(index) }
  }

  /// Has `handler` called with everything that is there, and from then on with every change.
  public func onChange(_ handler: @escaping Handler) {
    handlers.withLock { handlers in
      for object in snapshot.all { handler(.added(object)) }
      handlers.append(handler)
    }
  }

  /// Whether every reflector has listed everything once.
  public var hasSynced: Bool { synced.isOpen }

  /// Returns when every reflector has listed everything once; throws `CancellationError` when the task is cancelled.
  public func waitForSync() async throws {
    try await synced.wait()
  }

  // MARK: Writing, for reflectors

  /// A reflector will feed this store: it is not synced before that one is.
  package func expectReflector() {
    sync.withLock { $0.reflectors += 1 }
  }

  /// A reflector has listed everything for the first time.
  package func reflectorSynced() {
    let isComplete = sync.withLock { sync in
      sync.finished += 1
      return sync.finished >= sync.reflectors
    }
    if isComplete { synced.open() }
  }

  /// Takes in new or changed objects.
  package func set(_ objects: [R]) {
    change { contents in objects.flatMap { contents.set($0) } }
  }

  /// Takes an object out, given its last state.
  package func remove(_ object: R) {
    change { $0.remove(object.key, last: object) }
  }

  /// Takes out the object of a key, whose last state could not be read.
  package func remove(_ key: ObjectKey) {
    change { $0.remove(key) }
  }

  /// Takes out what a complete list of a namespace (`nil`: of all) did not have.
  package func removeAll(in namespace: String?, except kept: Set<ObjectKey>) {
    change { contents in
      contents.keys(in: namespace).filter { !kept.contains($0) }.flatMap { contents.remove($0) }
    }
  }

  private func change(_ body: (inout StoreSnapshot<R>) -> [StoreChange<R>]) {
    handlers.withLock { handlers in
      let changes = contents.withLock { body(&$0) }
      for change in changes {
        for handler in handlers { handler(change) }
      }
    }
  }
}
