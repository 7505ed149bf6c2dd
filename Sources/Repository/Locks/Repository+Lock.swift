import Logging
import NIOCore
import ObjectStore

extension Repository {
  /// Takes a lock, as restic does, so that both respect each other.
  ///
  /// Stale locks are removed. While another's lock conflicts, it is tried again for `patience`; then `locked` is thrown,
  /// which names the holder. Cancellation ends the wait.
  /// `waiting` is called before each pause, with what is waited for.
  public func lock(
    _ kind: LockKind, patience: Duration = .zero, waiting: (RepositoryError) -> Void = { _ in }
  ) async throws -> RepositoryLock {
    let deadline = ContinuousClock.now + patience
    var pause: Duration = .milliseconds(500)
    while true {
      do {
        return try await tryLock(kind)
      } catch let error as RepositoryError where error.code == .locked && .now + pause <= deadline {
        waiting(error)
        try await Task.sleep(for: pause)
        pause = min(pause * 2, .seconds(10))
      }
    }
  }

  /// Runs `body` under a lock, and releases it whatever comes.
  public func withLock<Result>(
    _ kind: LockKind, patience: Duration = .zero, waiting: (RepositoryError) -> Void = { _ in },
    _ body: (RepositoryLock) async throws -> Result
  ) async throws -> Result {
    let lock = try await lock(kind, patience: patience, waiting: waiting)
    do {
      let result = try await body(lock)
      try await lock.release()
      return result
    } catch {
      try? await lock.release()  // the first error tells more
      throw error
    }
  }

  func createLock(_ kind: LockKind) async throws -> SHA256Digest {
    try await save(.locks, JSONCoding.encode(LockFile(kind)))
  }

  /// A cancelled caller still has to take its lock away.
  func removeLock(_ file: SHA256Digest) async throws {
    let key = UnpackedKind.locks.key(file)
    try await Task { [store] in try await store.delete(key) }.value
  }

  /// Looks for conflicts before and after the lock is created: of two that are created at once, at least one sees the
  /// other.
  private func tryLock(_ kind: LockKind) async throws -> RepositoryLock {
    try await refuseConflicts(with: kind, except: nil)
    let file = try await createLock(kind)
    do {
      try await Task.sleep(for: options.lockSettleTime)
      try await refuseConflicts(with: kind, except: file)
    } catch {
      try? await removeLock(file)  // the first error tells more
      throw error
    }
    let lock = RepositoryLock(self, kind: kind, file: file)
    if heldLocks.add(lock) == .first { indexFiles.doubt() }
    return lock
  }

  private func refuseConflicts(with kind: LockKind, except own: SHA256Digest?) async throws {
    let here = LocalIdentity.current
    for id in try await list(.locks) where id != own {
      guard let lock = try await loadLock(id) else { continue }
      if lock.isStale(now: .now, here: here) {
        options.logger.info(
          "a stale lock is removed", metadata: ["lock": "\(id.hexadecimal)", "holder": "\(lock.holder)"])
        try await store.delete(UnpackedKind.locks.key(id))
      } else if lock.conflicts(with: kind) {
        throw RepositoryError(
          .locked,
          "the repository is locked \(lock.exclusive ? "exclusively " : "")by \(lock.holder) "
            + "(lock \(id.hexadecimal.prefix(8))); wait until it is done. If that process is gone on another host, the "
            + "lock lapses 30 minutes after its last renewal, or 'restic unlock' removes it")
      }
    }
  }

  /// Nil when it has been released since it was listed.
  private func loadLock(_ id: SHA256Digest) async throws -> LockFile? {
    do {
      return try JSONCoding.decode(
        LockFile.self, from: try await load(.locks, id), of: "lock \(id.hexadecimal)")
    } catch let error as ObjectStoreError where error.code == .notFound {
      return nil
    }
  }
}
