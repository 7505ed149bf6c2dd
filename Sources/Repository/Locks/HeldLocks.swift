import Synchronization

/// The locks that are held through one `Repository`.
final class HeldLocks: Sendable {
  /// Whether a lock stands beside others of this process.
  enum Standing { case first, further }

  private struct Reference {
    weak var lock: RepositoryLock?
  }

  private let references = Mutex<[Reference]>([])

  /// Notes a lock that has just been taken.
  func add(_ lock: RepositoryLock) -> Standing {
    references.withLock { references in
      references.removeAll { $0.lock == nil }
      references.append(Reference(lock: lock))
      return references.count == 1 ? .first : .further
    }
  }

  /// Notes that a lock is about to be released.
  func remove(_ lock: RepositoryLock) {
    references.withLock { $0.removeAll { $0.lock == nil || $0.lock === lock } }
  }

  /// Throws `lockLost` when one of them may have lapsed. Who holds none is not kept from anything.
  func ensureHeld() throws {
    for lock in references.withLock({ $0.compactMap(\.lock) }) { try lock.ensureHeld() }
  }
}
