public import KubeModel
public import Logging
public import ServiceLifecycle
import Synchronization

/// Reconciles the objects of one kind, with a bounded number of workers.
///
/// **Expected flow.** Made with its reconciler, told what to watch (`watch` for the kind itself and for others whose
/// changes matter to it), then run, mostly by a `Runtime`. `run` waits until all stores that it watches have synced,
/// then reconciles every object once, and from then on whatever changes.
///
/// **Guarantees.**
/// - No object is reconciled by two workers at once, and a change that comes during a reconcile is followed by
///   another: see `WorkQueue`.
/// - Nothing is reconciled before all watched stores have synced, and in a `Runtime` all stores of it.
/// - A reconcile that throws is logged, counted, and tried again after the key's backoff (5 ms to 16 min by default).
/// - On a graceful shutdown no new reconcile begins; the running ones may finish within `shutdownGrace`, then they are
///   cancelled. When the task is cancelled, they are cancelled at once.
///
/// **Assumptions.** Reconcilers are level-triggered: they act on what is, not on what changed. They heed cancellation.
///
/// **Caveats.** A trap in a reconciler ends the process: it is not caught. Stores lag behind the server, so a
/// reconciler may see its own writes late.
public final class Controller: ServiceLifecycle.Service {
  /// The name in logs and metrics.
  public let name: String

  private let configuration: ControllerConfiguration
  private let reconciler: any Reconciler
  private let queue: WorkQueue<ObjectKey>
  private let clock: RuntimeClock
  private let logger: Logger
  private let metrics: ControllerMetrics
  private let syncs = Mutex<[@Sendable () async throws -> Void]>([])

  /// A controller that watches nothing yet.
  public init(
    name: String, configuration: ControllerConfiguration = ControllerConfiguration(), reconciler: any Reconciler,
    clock: RuntimeClock = .continuous, logger: Logger
  ) {
    var logger = logger
    logger[metadataKey: "controller"] = "\(name)"
    self.name = name
    self.configuration = configuration
    self.reconciler = reconciler
    self.queue = WorkQueue(name: name, backoff: configuration.backoff, clock: clock)
    self.clock = clock
    self.logger = logger
    self.metrics = ControllerMetrics(controller: name)
  }

  /// Also waits for this store before anything is reconciled: reconcilers may read stores that they do not watch.
  func wait(for sync: @escaping @Sendable () async throws -> Void) { syncs.withLock { $0.append(sync) } }

  /// Reconciles the objects of this store when they change.
  public func watch<R>(_ store: Store<R>, filter: ChangeFilter<R> = .generationChanged) {
    watch(store, filter: filter) { [$0.key] }
  }

  /// Reconciles the keys that `keys` names when an object of this store changes; on an update those of the old and of
  /// the new state. `keys` is called within the store's change and must be quick; it may read any store.
  public func watch<R>(
    _ store: Store<R>, filter: ChangeFilter<R> = .anyChange, mappedTo keys: @escaping @Sendable (R) -> [ObjectKey]
  ) {
    syncs.withLock { $0.append { try await store.waitForSync() } }
    store.onChange { [queue] change in
      guard filter.passes(change) else { return }
      // Each key once: a worker may have taken it between two adds, and would run again for nothing.
      var affected = Set(keys(change.object))
      if case .updated(let old, _) = change { affected.formUnion(keys(old)) }
      for key in affected { queue.add(key) }
    }
  }

  /// Reconciles the owner of each object of this store when the object changes: the controller among its owner
  /// references, if that is an `Owner`.
  public func watch<R, Owner: KubeResource>(
    _ store: Store<R>, filter: ChangeFilter<R> = .anyChange, ownedBy owner: Owner.Type
  ) {
    watch(store, filter: filter) { object in
      object.metadata.ownerReferences
        .filter {
          $0.controller == true && $0.kind == Owner.resource.kind && $0.apiVersion == Owner.resource.apiVersion
        }
        .map { ObjectKey(namespace: object.metadata.namespace, name: $0.name) }
    }
  }

  /// Has a key reconciled, for reasons that no store knows of. Never blocks.
  public func enqueue(_ key: ObjectKey) {
    queue.add(key)
  }

  /// Reconciles until a graceful shutdown, or until the task is cancelled.
  public func run() async throws {
    guard try await waitForSync() else { return }
    logger.info("controller started", metadata: ["workers": "\(configuration.workers)"])
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.queue.run() }
      for _ in 0..<configuration.workers {
        group.addTask { await self.work() }
      }
      await stop()
      group.cancelAll()
    }
    logger.info("controller stopped")
  }

  /// Whether all stores that are waited for synced; `false`: a shutdown came first.
  private func waitForSync() async throws -> Bool {
    let syncs = syncs.withLock { $0 }
    do {
      try await cancelWhenGracefulShutdown {
        for sync in syncs { try await sync() }
      }
      return true
    } catch is CancellationError {
      return false
    }
  }

  /// Returns when the workers have to end: shut down and drained, or out of time, or cancelled.
  private func stop() async {
    try? await gracefulShutdown()
    queue.shutDown(.dropReady)
    guard !Task.isCancelled else { return }
    await withTaskGroup(of: Void.self) { group in
      group.addTask { try? await self.queue.waitUntilDrained() }
      group.addTask { try? await self.clock.sleep(for: self.configuration.shutdownGrace) }
      await group.next()
      group.cancelAll()
    }
  }

  private func work() async {
    while let key = await queue.next() {
      metrics.workerStarted()
      let outcome = await reconcile(key)
      queue.finish(key, outcome)
      metrics.workerEnded()
    }
  }

  private func reconcile(_ key: ObjectKey) async -> WorkOutcome {
    let start = clock.now
    do {
      let result = try await reconciler.reconcile(key)
      metrics.reconciled(result, took: clock.now - start)
      switch result {
      case .done: return .done
      case .requeue(let delay): return .again(after: delay)
      }
    } catch {
      metrics.failed(took: clock.now - start)
      if Task.isCancelled { return .failed }
      let failures = queue.failures(of: key) + 1
      logger.warning(
        "reconcile failed",
        metadata: [
          "key": "\(key)", "error": "\(error)", "failures": "\(failures)",
          "retryIn": "\(configuration.backoff.delay(afterFailures: failures))",
        ])
      return .failed
    }
  }
}

/// A controller's bounds.
public struct ControllerConfiguration: Sendable {
  /// How many objects are reconciled at once.
  public var workers: Int
  /// Pauses after failed reconciles of a key.
  public var backoff: ExponentialBackoff
  /// How long running reconciles may go on after a shutdown began.
  public var shutdownGrace: Duration

  /// Two workers, so that one slow object does not hold up all others; pauses of 5 ms to 16 min; 20 s of grace, which
  /// leaves a pod with Kubernetes' 30 s time to end the rest.
  public init(
    workers: Int = 2, backoff: ExponentialBackoff = ExponentialBackoff(), shutdownGrace: Duration = .seconds(20)
  ) {
    precondition(workers > 0, "a controller needs at least one worker")
    self.workers = workers
    self.backoff = backoff
    self.shutdownGrace = shutdownGrace
  }
}
