import Logging
import ObjectStore
import Synchronization

/// A lock that is held: renewed in the background until it is released.
///
/// Whoever writes what others could remove meanwhile asks `ensureHeld()` first: a process that was frozen, or could not
/// reach the store for too long, may hold a lock that others take for stale.
public final class RepositoryLock: Sendable {
  private struct State {
    var file: SHA256Digest
    var renewed: UnixTime
  }

  /// What kind of lock it is.
  public let kind: LockKind
  private let repository: Repository
  private let state: Mutex<State>
  private let renewal: Mutex<Task<Void, Never>?> = Mutex(nil)

  init(_ repository: Repository, kind: LockKind, file: SHA256Digest) {
    self.kind = kind
    self.repository = repository
    state = Mutex(State(file: file, renewed: .now))
    let interval = repository.options.lockRefreshInterval
    let task = Task { [weak self] in
      while (try? await Task.sleep(for: interval)) != nil {
        guard let self else { return }
        // Not to be cut short by a release: a new file whose name got lost would lock others out.
        await Task { await self.renew() }.value
      }
    }
    renewal.withLock { $0 = task }
  }

  deinit { renewal.withLock { $0?.cancel() } }

  /// The name of its file; another one after each renewal.
  package var file: SHA256Digest { state.withLock { $0.file } }

  /// Throws `lockLost` when the lock has not been renewed for so long that others may soon take it for stale.
  public func ensureHeld() throws {
    let age = state.withLock { UnixTime.now.duration(since: $0.renewed) }
    guard age < repository.options.lockTrustedFor else {
      throw RepositoryError(
        .lockLost,
        "the repository's lock could not be renewed for \(age.components.seconds) s, and others may take it "
          + "for stale; start the operation again")
    }
  }

  /// Removes the lock, also when the caller has been cancelled. Others that wait for it may go on.
  public func release() async throws {
    let task = renewal.withLock { renewal in
      defer { renewal = nil }
      return renewal
    }
    task?.cancel()
    await task?.value
    repository.heldLocks.remove(self)
    try await repository.removeLock(file)
  }

  /// The new file before the old one is removed, so that at no moment there is none.
  private func renew() async {
    do {
      let time = UnixTime.now
      let new = try await repository.createLock(kind)
      let old = state.withLock { state in
        defer { state = State(file: new, renewed: time) }
        return state.file
      }
      try await repository.store.delete(UnpackedKind.locks.key(old))
    } catch {
      repository.options.logger.warning(
        "the repository's lock could not be renewed; it is tried again",
        metadata: ["error": "\(error)", "interval": "\(repository.options.lockRefreshInterval)"])
    }
  }
}
