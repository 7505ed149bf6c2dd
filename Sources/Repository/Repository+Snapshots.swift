import NIOCore
import ObjectStore

extension Repository {
  /// All snapshots, the oldest first.
  ///
  /// A snapshot that is removed while they are read is left out.
  public func snapshots() async throws -> [Snapshot] {
    try await snapshots(list(.snapshots).map { SnapshotID($0) })
  }

  /// Those of these snapshots that are there, the oldest first.
  public func snapshots(_ ids: [SnapshotID]) async throws -> [Snapshot] {
    let loaded = try await inParallel(ids, limit: options.connections) { try await self.loadSnapshot($0) }
    return loaded.compactMap { $0 }.sorted { ($0.time, $0.tree) < ($1.time, $1.tree) }
  }

  /// The snapshot with this id, or the only one whose id begins with it.
  public func snapshot(_ idOrPrefix: String) async throws -> Snapshot {
    let prefix = idOrPrefix.lowercased()
    let matches = try await list(.snapshots).filter { $0.hexadecimal.hasPrefix(prefix) }
    guard let id = matches.first, !prefix.isEmpty else { throw Self.missing(idOrPrefix) }
    guard matches.count == 1 else {
      throw RepositoryError(
        .snapshotAmbiguous, "\(matches.count) snapshots have an id that begins with '\(idOrPrefix)'; give more digits")
    }
    guard let snapshot = try await loadSnapshot(SnapshotID(id)) else { throw Self.missing(idOrPrefix) }
    return snapshot
  }

  /// Stores a snapshot; it is durable on return. All that it refers to has to be durable and indexed before, which is
  /// what `BlobWriter.flush()` is for. Throws `lockLost` when a lock that is held here may have lapsed: then some of that
  /// may have been pruned.
  public func saveSnapshot(_ snapshot: Snapshot) async throws -> Snapshot {
    try heldLocks.ensureHeld()
    var saved = snapshot
    saved.id = SnapshotID(try await save(.snapshots, JSONCoding.encode(snapshot)))
    return saved
  }

  /// Removes the snapshot; its data stay until a prune. A snapshot that is gone already is no error.
  public func forget(_ id: SnapshotID) async throws { try await forget([id]) }

  /// Removes the snapshots, a thousand with one request where the store can; their data stay until a prune. Those that
  /// are gone already are no error. A crash on the way leaves some of them.
  public func forget(_ ids: some Sequence<SnapshotID>) async throws {
    try await store.delete(ids.map { UnpackedKind.snapshots.key($0.digest) })
  }

  /// Nil when there is no such snapshot.
  func loadSnapshot(_ id: SnapshotID) async throws -> Snapshot? {
    do {
      var snapshot = try JSONCoding.decode(
        Snapshot.self, from: try await load(.snapshots, id.digest), of: "snapshot \(id)")
      snapshot.id = id
      return snapshot
    } catch let error as ObjectStoreError where error.code == .notFound {
      return nil
    }
  }

  private static func missing(_ id: String) -> RepositoryError {
    RepositoryError(
      .snapshotNotFound,
      "no snapshot has an id that begins with '\(id)'; it may have been forgotten. "
        + "'restic snapshots' lists what there is")
  }
}
