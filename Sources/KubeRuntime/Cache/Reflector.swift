public import KubeClient
public import KubeModel
public import Logging
import Synchronization

/// Keeps a store equal to what the API server has, of one kind and one namespace or all.
///
/// **Expected flow.** `run` lists everything in pages of 500, then watches from the list's version on. The server ends
/// each watch after a random 5 to 10 minutes; the next one begins where it ended. Bookmarks keep that place recent.
///
/// **Guarantees.**
/// - After any trouble the store comes to equal the server's state again: what was missed arrives as updates, and what
///   vanished meanwhile as deletions.
/// - 410, as the answer to a watch, as an ERROR within one, or as an expired token in the middle of a paged list, has
///   everything listed anew. 429, a refused or broken connection, and 503 have the watch tried again from where it was.
/// - Between tries there are pauses of 0.8 to 30 s with jitter, short again after 2 min of health.
/// - An object that does not decode is logged and counted, its last good state stays in the store, and the others are
///   not held up by it.
/// - Nothing is buffered but one page or one event: a slow handler slows the connection down.
///
/// **Assumptions.** Versions grow. One that went back is taken for a server restored from a backup, and everything is
/// listed anew.
///
/// **Caveats.** While the connection is broken the store is old and does not say so; `lastContact` does. A server
/// restored from a backup that has already come past the last version seen is not noticed.
public final class Reflector<R: KubeResource>: Sendable {
  private struct Progress {
    var state: ReflectorState
    var random = SystemRandomNumberGenerator()
    /// What the list under way has brought so far.
    var listed: Set<ObjectKey> = []
    var hasSynced = false
    var lastContact: MonotonicTime?
  }

  private let source: ResourceSource<R>
  private let store: Store<R>
  private let namespace: String?
  private let configuration: ReflectorConfiguration
  private let clock: RuntimeClock
  private let logger: Logger
  private let metrics: ReflectorMetrics
  private let progress: Mutex<Progress>

  /// Feeds `store` with the objects of `namespace` (`nil`: of all) that `labelSelector` picks. The store is not synced
  /// before this reflector has run.
  public convenience init(
    client: KubeClient, store: Store<R>, namespace: String? = nil, labelSelector: String? = nil,
    configuration: ReflectorConfiguration = ReflectorConfiguration(), clock: RuntimeClock = .continuous, logger: Logger
  ) {
    self.init(
      source: ResourceSource(client: client, namespace: namespace, labelSelector: labelSelector), store: store,
      namespace: namespace, configuration: configuration, clock: clock, logger: logger)
  }

  /// Feeds `store` from any source.
  package init(
    source: ResourceSource<R>, store: Store<R>, namespace: String?, configuration: ReflectorConfiguration,
    clock: RuntimeClock, logger: Logger
  ) {
    var logger = logger
    logger[metadataKey: "kind"] = "\(R.resource.kind)"
    if let namespace { logger[metadataKey: "namespace"] = "\(namespace)" }
    self.source = source
    self.store = store
    self.namespace = namespace
    self.configuration = configuration
    self.clock = clock
    self.logger = logger
    self.metrics = ReflectorMetrics(kind: R.resource.kind)
    self.progress = Mutex(Progress(state: ReflectorState(configuration: configuration)))
    store.expectReflector()
  }

  /// When the server last answered; `nil`: not yet.
  package var lastContact: MonotonicTime? { progress.withLock { $0.lastContact } }

  /// Lists and watches until the task is cancelled; then throws `CancellationError`. Call it once.
  public func run() async throws {
    var action = decide(.start)
    while true {
      try Task.checkCancellation()
      action = try await perform(action)
    }
  }

  private func decide(_ event: ReflectorState.Event) -> ReflectorState.Action {
    let now = clock.now
    return progress.withLock { $0.state.handle(event, now: now, using: &$0.random) }
  }

  private func perform(_ action: ReflectorState.Action) async throws -> ReflectorState.Action {
    switch action {
    case .list(let request):
      return try await list(request)
    case .finishListAndWatch(let request):
      finishList()
      return try await watch(request)
    case .watch(let request):
      return try await watch(request)
    case .pause(let duration):
      try await clock.sleep(for: duration)
      return decide(.pauseOver)
    case .goOn:
      return decide(.watchClosed)
    }
  }

  // MARK: Listing

  private func list(_ request: ListRequest) async throws -> ReflectorState.Action {
    if request.continueToken == nil {
      progress.withLock { $0.listed = [] }
      metrics.listBegan()
    }
    do {
      let page = try await source.list(request)
      take(page)
      return decide(
        .page(resourceVersion: page.metadata.resourceVersion ?? "", continueToken: page.metadata.continueToken))
    } catch {
      try Task.checkCancellation()
      logger.warning("list failed", metadata: ["error": "\(error)"])
      return decide(.listFailed(ReflectorFailure(error)))
    }
  }

  private func take(_ page: ResourceList<R>) {
    contacted()
    progress.withLock { progress in
      for object in page.items { progress.listed.insert(object.key) }
      // It is there, though we cannot read it: what we know of it stays.
      for object in page.undecodable { object.key.map { _ = progress.listed.insert($0) } }
    }
    for object in page.undecodable { report(object) }
    store.set(page.items)
  }

  private func finishList() {
    let (listed, isFirst) = progress.withLock { progress in
      defer {
        progress.listed = []
        progress.hasSynced = true
      }
      return (progress.listed, !progress.hasSynced)
    }
    store.removeAll(in: namespace, except: listed)
    if isFirst { store.reflectorSynced() }
    logger.debug("listed", metadata: ["objects": "\(listed.count)"])
  }

  // MARK: Watching

  private func watch(_ request: WatchRequest) async throws -> ReflectorState.Action {
    metrics.watchBegan()
    do {
      return try await withDeadline(after: request.timeout + configuration.watchGrace) {
        try await self.follow(request)
      }
    } catch {
      try Task.checkCancellation()
      let failure = ReflectorFailure(error)
      logger.log(
        level: failure == .expired ? .info : .warning, "watch broke off", metadata: ["error": "\(error)"])
      return decide(.watchFailed(failure))
    }
  }

  /// Follows a watch to its end, or to the event after which it makes no sense to go on.
  private func follow(_ request: WatchRequest) async throws -> ReflectorState.Action {
    for try await event in try await source.watch(request) {
      try Task.checkCancellation()
      contacted()
      let action = take(event)
      if action != .goOn { return action }
    }
    return decide(.watchClosed)
  }

  private func take(_ event: WatchEvent<R>) -> ReflectorState.Action {
    switch event {
    case .added(let object), .modified(let object):
      store.set([object])
    case .deleted(let object):
      store.remove(object)
    case .bookmark:
      break
    case .undecodable(let object, let change):
      report(object)
      if change == .deleted, let key = object.key { store.remove(key) }
    case .error(let status):
      logger.info("the server ended the watch", metadata: ["status": "\(status.code)", "reason": "\(status.reason)"])
      return decide(.watchFailed(ReflectorFailure(status)))
    }
    guard let version = event.resourceVersion, !version.isEmpty else { return .goOn }
    return decide(.delivered(resourceVersion: version))
  }

  private func report(_ object: UndecodableObject) {
    metrics.undecodable()
    logger.error("an object cannot be read and is left out", metadata: ["error": "\(object)"])
  }

  private func contacted() {
    let now = clock.now
    progress.withLock { $0.lastContact = now }
  }

  private func withDeadline(
    after duration: Duration, _ body: @escaping @Sendable () async throws -> ReflectorState.Action
  ) async throws -> ReflectorState.Action {
    try await withThrowingTaskGroup(of: ReflectorState.Action.self) { group in
      group.addTask { try await body() }
      group.addTask {
        try await self.clock.sleep(for: duration)
        throw WatchOverdue()
      }
      defer { group.cancelAll() }
      guard let action = try await group.next() else { throw CancellationError() }
      return action
    }
  }
}
