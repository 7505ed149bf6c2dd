import Synchronization

/// Answers that are good for a short while. It holds at most `capacity` of them: past that the ones that expire first
/// are forgotten, a quarter at a time, so that who shows ever new tokens costs no memory.
package final class ExpiringCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private struct Entry: Sendable {
    var value: Value
    var expires: ContinuousClock.Instant
  }

  private let entries = Mutex<[Key: Entry]>([:])
  private let capacity: Int

  package init(capacity: Int) { self.capacity = capacity }

  /// The answer, if it is still good.
  package func value(_ key: Key, now: ContinuousClock.Instant = .now) -> Value? {
    entries.withLock { entries in
      guard let entry = entries[key], entry.expires > now else { return nil }
      return entry.value
    }
  }

  /// Keeps an answer for `lifetime`.
  package func keep(_ value: Value, for key: Key, lifetime: Duration, now: ContinuousClock.Instant = .now) {
    entries.withLock { entries in
      entries[key] = Entry(value: value, expires: now + lifetime)
      guard entries.count > capacity else { return }
      let expiries = entries.values.map(\.expires).sorted()
      let bound = max(expiries[capacity / 4], now)
      entries = entries.filter { $0.value.expires > bound }
    }
  }

  /// How many answers are held, good or not.
  package var count: Int { entries.withLock { $0.count } }
}
