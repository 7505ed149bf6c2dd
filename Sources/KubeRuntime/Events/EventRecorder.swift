import DequeModule
public import KubeClient
public import KubeModel
public import Logging
import Metrics
public import ServiceLifecycle
import Synchronization

/// Records Kubernetes events about objects, for `kubectl describe` and for people.
///
/// **Guarantees.**
/// - `record` never blocks and never fails. At most `queueLimit` events wait; what comes when the queue is full is
///   dropped and counted (`event_recorder_dropped_total`).
/// - Repeated events count up one object, similar ones are combined, and no object gets more than 25 events at once and
///   one per 5 min after that: see `EventCorrelator`.
/// - Messages have at most 1,024 bytes; longer ones are cut between characters.
/// - Events of one object stand in `kubectl describe` in the order in which they were recorded.
///
/// **Caveats.** Events are a courtesy: the API server deletes them after an hour, and an event that it does not take
/// after a few tries is dropped with a log line. State belongs in a status.
public final class EventRecorder: ServiceLifecycle.Service {
  private struct Pending: Sendable {
    var draft: EventDraft
    var at: MonotonicTime
    var wall: MicroTime
  }

  private let sink: EventSink
  private let clock: RuntimeClock
  private let logger: Logger
  private let queueLimit: Int
  private let shutdownGrace: Duration
  private let pending = Mutex<Deque<Pending>>([])
  private let arrived = Signal()
  private let dropped: Counter
  private let discarded: Counter
  private let correlator: Mutex<EventCorrelator>

  /// A recorder whose events name `component` as their source. 1,000 events may wait, which is what client-go allows.
  public convenience init(
    client: KubeClient, component: String, queueLimit: Int = 1000, shutdownGrace: Duration = .seconds(5),
    clock: RuntimeClock = .continuous, logger: Logger
  ) {
    self.init(
      sink: EventSink(client: client), component: component, queueLimit: queueLimit, shutdownGrace: shutdownGrace,
      clock: clock, logger: logger)
  }

  package init(
    sink: EventSink, component: String, queueLimit: Int, shutdownGrace: Duration, clock: RuntimeClock, logger: Logger
  ) {
    self.sink = sink
    self.clock = clock
    self.logger = logger
    self.queueLimit = queueLimit
    self.shutdownGrace = shutdownGrace
    self.correlator = Mutex(EventCorrelator(component: component))
    self.dropped = Counter(label: "event_recorder_dropped_total")
    self.discarded = Counter(label: "event_recorder_discarded_total")
  }

  /// Records that something happened to an object. `reason` is one CamelCase word for programs, `message` is for people
  /// and says what to do next.
  public func record(_ type: EventType, _ reason: String, _ message: String, about object: some KubeResource) {
    record(type, reason, message, about: object.objectReference)
  }

  /// Records that something happened to the object that `reference` names.
  public func record(_ type: EventType, _ reason: String, _ message: String, about reference: ObjectReference) {
    var reference = reference
    // The version says nothing to a reader, and would tell equal events apart.
    reference.resourceVersion = nil
    let draft = EventDraft(regarding: reference, type: type, reason: reason, message: message)
    let event = Pending(draft: draft, at: clock.now, wall: .now)
    let isTaken = pending.withLock { pending in
      guard pending.count < queueLimit else { return false }
      pending.append(event)
      return true
    }
    if isTaken { arrived.raise() } else { dropped.increment() }
  }

  /// Sends events until a graceful shutdown, and then for `shutdownGrace` what waits; or until the task is cancelled.
  public func run() async throws {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.sendAll() }
      try? await gracefulShutdown()
      await withTaskGroup(of: Void.self) { last in
        last.addTask { await self.waitUntilEmpty() }
        last.addTask { try? await self.clock.sleep(for: self.shutdownGrace) }
        await last.next()
        last.cancelAll()
      }
      group.cancelAll()
    }
  }

  /// How many events wait to be sent, the one under way included.
  package var waiting: Int { pending.withLock { $0.count } }

  private func waitUntilEmpty() async {
    while waiting > 0, !Task.isCancelled {
      try? await clock.sleep(for: .milliseconds(20))
    }
  }

  private func sendAll() async {
    while !Task.isCancelled {
      guard let next = pending.withLock({ $0.first }) else {
        await arrived.wait()
        continue
      }
      await send(next)
      pending.withLock { _ = $0.popFirst() }
    }
  }

  private func send(_ event: Pending) async {
    let decision = correlator.withLock { $0.correlate(event.draft, now: event.at, wall: event.wall) }
    var backoff = ConnectionBackoff()
    var random = SystemRandomNumberGenerator()
    for _ in 0..<5 {
      do {
        switch decision {
        case .drop: discarded.increment()
        case .create(let event): try await sink.create(event)
        case .update(let event): try await update(event)
        }
        return
      } catch let error as KubeError where !error.isWorthRetrying {
        logger.warning("an event was refused", metadata: ["error": "\(error)", "reason": "\(event.draft.reason)"])
        discarded.increment()
        return
      } catch {
        let delay = backoff.next(now: clock.now, using: &random)
        do { try await clock.sleep(for: delay) } catch { break }
      }
    }
    logger.warning("an event could not be sent", metadata: ["reason": "\(event.draft.reason)"])
    discarded.increment()
  }

  private func update(_ event: Event) async throws {
    do {
      try await sink.update(event)
    } catch let error as KubeError where error.isNotFound {
      // The server has deleted it after its hour.
      try await sink.create(event)
    }
  }
}

extension KubeError {
  /// Whether the same request may succeed later: no answer came, or one that asks for patience.
  var isWorthRetrying: Bool {
    switch self {
    case .transport: true
    case .status(let status): status.code == 429 || status.code >= 500
    case .decoding, .configuration, .authentication, .invalidRequest: false
    }
  }
}

/// Where a recorder's events go.
package struct EventSink: Sendable {
  package let create: @Sendable (Event) async throws -> Void
  /// Brings count, message and last time of an event up to date.
  package let update: @Sendable (Event) async throws -> Void

  package init(
    create: @escaping @Sendable (Event) async throws -> Void, update: @escaping @Sendable (Event) async throws -> Void
  ) {
    self.create = create
    self.update = update
  }

  /// The API server.
  package init(client: KubeClient) {
    self.init(
      create: { event in
        do {
          _ = try await client.create(event)
        } catch let error as KubeError where error.isAlreadyExists {
          // An earlier try got through, and its answer was lost: names are unique.
        }
      },
      update: { event in
        var patch: [String: JSONValue] = [:]
        patch["count"] = event.count.map { .integer(Int64($0)) }
        patch["message"] = event.message.map { .string($0) }
        patch["lastTimestamp"] = event.lastTimestamp.map { .string($0.description) }
        _ = try await client.mergePatch(Event.self, event.key, json: .object(patch))
      })
  }
}
