package import KubeModel

/// Decides what becomes of each event: a new object, one more count on an old one, or nothing.
///
/// The rules and numbers are client-go's (`tools/record/events_cache.go`), so that a broken controller loads the API
/// server no more than the built-in ones do:
/// - The same event again (object, type, reason and message alike) counts up the first.
/// - From the tenth message on that differs in nothing but its text, with never more than 10 min between two, they are
///   combined into one event.
/// - An object has a bucket of 25 events, refilled by one every 5 min; what comes when it is empty is dropped.
package struct EventCorrelator: Sendable {
  /// What to send to the API server.
  package enum Decision: Equatable, Sendable {
    case create(Event)
    /// Patch count, message and last time of an event that was created before; if it is gone, create it.
    case update(Event)
    /// Too many for this object.
    case drop
  }

  private struct ObjectID: Hashable {
    var kind: String?
    var namespace: String?
    var name: String?
    var uid: String?
    var apiVersion: String?

    init(_ reference: ObjectReference) {
      kind = reference.kind
      namespace = reference.namespace
      name = reference.name
      uid = reference.uid
      apiVersion = reference.apiVersion
    }
  }

  private struct GroupID: Hashable {
    var object: ObjectID
    var type: String
    var reason: String
  }

  /// One event that counts; without a message it is the one that combines many.
  private struct EventID: Hashable {
    var group: GroupID
    var message: String?
  }

  private struct Group {
    var messages: Set<String> = []
    var lastAt: MonotonicTime
  }

  private struct TokenBucket {
    var tokens: Double
    var filledAt: MonotonicTime
  }

  package static let similarLimit = 10
  package static let similarInterval = Duration.seconds(600)
  package static let burst = 25.0
  package static let refillInterval = Duration.seconds(300)
  package static let messageLimit = 1024

  private let component: String
  private let host: String?
  private var groups: BoundedCache<GroupID, Group>
  private var written: BoundedCache<EventID, Event>
  private var buckets: BoundedCache<ObjectID, TokenBucket>
  private var lastName: Int64 = 0

  /// Remembers `capacity` objects, groups and events each; of older ones events begin anew.
  package init(component: String, host: String? = nil, capacity: Int = 4096) {
    self.component = component
    self.host = host
    groups = BoundedCache(capacity: capacity)
    written = BoundedCache(capacity: capacity)
    buckets = BoundedCache(capacity: capacity)
  }

  /// How many groups, events and objects are remembered.
  package var remembered: Int { groups.count + written.count + buckets.count }

  /// Takes an event that happened at `wall`, and says what becomes of it.
  package mutating func correlate(_ draft: EventDraft, now: MonotonicTime, wall: MicroTime) -> Decision {
    let group = GroupID(object: ObjectID(draft.regarding), type: draft.type.rawValue, reason: draft.reason)
    let (id, message) = combine(draft.message, group, now: now)
    let previous = written[id]
    let event = previous.map { counted($0, message, wall) } ?? newEvent(draft, message, wall)
    written[id] = event
    guard takeToken(group.object, now: now) else { return .drop }
    return previous == nil ? .create(event) : .update(event)
  }

  private mutating func combine(_ text: String, _ id: GroupID, now: MonotonicTime) -> (EventID, String) {
    var group = groups[id] ?? Group(lastAt: now)
    if now - group.lastAt > Self.similarInterval { group.messages = [] }
    group.lastAt = now
    let message = text.truncated(toBytes: Self.messageLimit)
    let isKnown = group.messages.contains(message)
    let isCombined = !isKnown && group.messages.count >= Self.similarLimit - 1
    if !isCombined { group.messages.insert(message) }
    groups[id] = group
    guard isCombined else { return (EventID(group: id, message: message), message) }
    let combined = "(combined from similar events): \(text)".truncated(toBytes: Self.messageLimit)
    return (EventID(group: id, message: nil), combined)
  }

  private mutating func takeToken(_ object: ObjectID, now: MonotonicTime) -> Bool {
    var bucket = buckets[object] ?? TokenBucket(tokens: Self.burst, filledAt: now)
    let refilled = (now - bucket.filledAt).seconds / Self.refillInterval.seconds
    bucket.tokens = min(Self.burst, bucket.tokens + refilled)
    bucket.filledAt = now
    let isAllowed = bucket.tokens >= 1
    if isAllowed { bucket.tokens -= 1 }
    buckets[object] = bucket
    return isAllowed
  }

  private func counted(_ event: Event, _ message: String, _ wall: MicroTime) -> Event {
    var event = event
    event.count = (event.count ?? 1) + 1
    event.lastTimestamp = wall.timestamp
    event.message = message
    return event
  }

  private mutating func newEvent(_ draft: EventDraft, _ message: String, _ wall: MicroTime) -> Event {
    // `kubectl describe` sorts by last time, in whole seconds, and leaves events of one second in the order of their
    // names: names that grow with time keep them in order.
    lastName = max(lastName + 1, wall.microsecondsSince1970 * 1000)
    let digits = String(lastName, radix: 16)
    let name = (draft.regarding.name ?? "cluster").truncated(toBytes: 253 - 1 - digits.utf8.count)
    return Event(
      metadata: ObjectMeta(name: "\(name).\(digits)", namespace: draft.regarding.namespace ?? "default"),
      involvedObject: draft.regarding, reason: draft.reason.truncated(toBytes: 128), message: message,
      source: Event.Source(component: component, host: host), firstTimestamp: wall.timestamp,
      lastTimestamp: wall.timestamp, count: 1, type: draft.type.rawValue, reportingComponent: component)
  }
}

/// An event before it is sent.
package struct EventDraft: Sendable {
  package var regarding: ObjectReference
  package var type: EventType
  package var reason: String
  package var message: String

  package init(regarding: ObjectReference, type: EventType, reason: String, message: String) {
    self.regarding = regarding
    self.type = type
    self.reason = reason
    self.message = message
  }
}

/// Whether somebody should look.
public enum EventType: String, Hashable, Sendable {
  /// All is as it should be.
  case normal = "Normal"
  /// Somebody should look.
  case warning = "Warning"
}

extension String {
  /// The text, cut between characters so that it has at most so many bytes of UTF-8; a cut text ends in `…` where
  /// that fits.
  package func truncated(toBytes limit: Int) -> String {
    guard utf8.count > limit else { return self }
    let mark = limit >= 16 ? "…" : ""
    var bytes = mark.utf8.count
    var end = startIndex
    while end < endIndex {
      let next = index(after: end)
      bytes += self[end..<next].utf8.count
      if bytes > limit { break }
      end = next
    }
    return String(self[..<end]) + mark
  }
}
