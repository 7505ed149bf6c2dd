public import KubeClient
public import KubeModel
public import Logging
public import ServiceLifecycle
import Synchronization

/// Which namespaces a runtime looks at.
public enum NamespaceScope: Hashable, Sendable {
  /// All, by one list and one watch a kind.
  case all
  /// These, by one list and one watch each a kind: for accounts that may not read the whole cluster.
  case only(Set<String>)

  fileprivate func namespaces(for scope: ResourceDescription.Scope) -> [String?] {
    switch (self, scope) {
    case (.only(let names), .namespaced): names.sorted()
    default: [nil]
    }
  }
}

/// Controllers and the stores that they share, run as one service.
///
/// **Expected flow.** Ask it for the stores that are needed (one for each kind and selector, fed by one reflector a
/// namespace, however many controllers share it), make controllers that watch them, `add` these, then `run`.
///
/// **Guarantees.**
/// - Reflectors run from the start, so a process that waits for leadership has warm stores; controllers only while it
///   leads, where an election is given.
/// - On a graceful shutdown controllers stop first, then reflectors, then the lease is released. When the lease is lost,
///   everything is cancelled at once and `run` throws.
/// - No controller reconciles before all stores have synced, not only those that it watches: what is missing in a store
///   that has not is no proof that it is gone.
/// - `isReady` says whether all stores have synced, for `/readyz`.
///
/// **Caveats.** Stores and controllers are declared before `run`; later is a mistake in the program, and traps.
public final class Runtime: ServiceLifecycle.Service {
  private struct Cache: Sendable {
    var kind: String
    var selector: String?
    var store: any Sendable
    var hasSynced: @Sendable () -> Bool
    var waitForSync: @Sendable () async throws -> Void
    var reflectors: [@Sendable () async throws -> Void]
  }

  private struct Declared {
    var caches: [Cache] = []
    var controllers: [Controller] = []
    var isRunning = false
  }

  private let client: KubeClient
  private let scope: NamespaceScope
  private let election: LeaderElector?
  private let configuration: ReflectorConfiguration
  private let clock: RuntimeClock
  private let logger: Logger
  private let declared = Mutex(Declared())

  /// A runtime without stores and controllers yet. Without an election its controllers run at once.
  public init(
    client: KubeClient, namespaces: NamespaceScope = .all, election: LeaderElector? = nil,
    reflectors configuration: ReflectorConfiguration = ReflectorConfiguration(), clock: RuntimeClock = .continuous,
    logger: Logger
  ) {
    self.client = client
    self.scope = namespaces
    self.election = election
    self.configuration = configuration
    self.clock = clock
    self.logger = logger
  }

  /// The store of a kind, as far as a label selector picks its objects: the same one for everybody who asks. Indexes of
  /// new names are added to it.
  public func store<R: KubeResource>(
    of type: R.Type, labelSelector: String? = nil, indexes: [StoreIndex<R>] = []
  ) -> Store<R> {
    let store = declared.withLock { declared -> Store<R> in
      for cache in declared.caches where cache.selector == labelSelector {
        if let store = cache.store as? Store<R> { return store }
      }
      precondition(!declared.isRunning, "stores are declared before the runtime runs")
      let (store, cache) = makeCache(type, labelSelector)
      declared.caches.append(cache)
      return store
    }
    for index in indexes { store.addIndex(index) }
    return store
  }

  /// Runs a controller with the others. It should watch stores of this runtime.
  public func add(_ controller: Controller) {
    declared.withLock { declared in
      precondition(!declared.isRunning, "controllers are added before the runtime runs")
      declared.controllers.append(controller)
    }
  }

  /// Whether all stores have synced.
  public var isReady: Bool { unsyncedKinds.isEmpty }

  /// The kinds whose stores have not synced yet.
  public var unsyncedKinds: [String] {
    declared.withLock { $0.caches.filter { !$0.hasSynced() }.map(\.kind) }
  }

  /// Runs reflectors and controllers until a graceful shutdown, or until the task is cancelled.
  public func run() async throws {
    let (caches, controllers) = declared.withLock { declared in
      precondition(!declared.isRunning, "a runtime runs once")
      declared.isRunning = true
      return (declared.caches, declared.controllers)
    }
    for controller in controllers {
      for cache in caches { controller.wait(for: cache.waitForSync) }
    }
    let controllersEnded = Gate()
    let reflectorsEnded = Gate()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        await Self.run(caches.flatMap(\.reflectors), until: controllersEnded)
        reflectorsEnded.open()
      }
      defer { group.cancelAll() }
      try await whileLeading {
        try await Self.run(controllers)
        controllersEnded.open()
        try await reflectorsEnded.wait()
      }
    }
    logger.info("runtime stopped")
  }

  private func whileLeading(_ body: @escaping @Sendable () async throws -> Void) async throws {
    guard let election else { return try await body() }
    try await election.run(body)
  }

  /// Runs reflectors, which end by nothing but cancellation, until the gate opens or the task is cancelled.
  private static func run(_ reflectors: [@Sendable () async throws -> Void], until end: Gate) async {
    await withTaskGroup(of: Void.self) { group in
      for reflector in reflectors {
        group.addTask { try? await reflector() }
      }
      try? await end.wait()
      group.cancelAll()
    }
  }

  private static func run(_ controllers: [Controller]) async throws {
    guard !controllers.isEmpty else {
      try? await gracefulShutdown()
      return
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for controller in controllers {
        group.addTask { try await controller.run() }
      }
      try await group.waitForAll()
    }
  }

  private func makeCache<R: KubeResource>(_ type: R.Type, _ labelSelector: String?) -> (Store<R>, Cache) {
    let store = Store<R>()
    let reflectors = scope.namespaces(for: R.resource.scope).map { namespace in
      Reflector(
        client: client, store: store, namespace: namespace, labelSelector: labelSelector,
        configuration: configuration, clock: clock, logger: logger)
    }
    let cache = Cache(
      kind: R.resource.kind, selector: labelSelector, store: store, hasSynced: { store.hasSynced },
      waitForSync: { try await store.waitForSync() },
      reflectors: reflectors.map { reflector in { try await reflector.run() } })
    return (store, cache)
  }
}
