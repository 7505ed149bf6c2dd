import ObjectStore

extension Repository {
  /// Gives back the space of what no snapshot needs: packs of which nothing is needed are removed, those of which too
  /// little is are packed again, and index files follow.
  ///
  /// Takes an exclusive lock, waits `options.patience` for the locks of others, and throws `locked` when one is still
  /// there; stale ones are removed, as by every lock. Snapshots, trees and index files have all to be readable, and all
  /// that they name to be there: else it throws, and has removed nothing.
  ///
  /// Under the exclusive lock nobody writes, so a pack that no index file lists is what a backup left that was cut
  /// short, and is removed whatever its age. A writer of ours whose lock could have lapsed meanwhile notices
  /// (`lockLost`) before it writes an index file or a snapshot.
  ///
  /// Safe under a crash at any moment, by its order: unreferenced packs go; new packs; index files that list them; index
  /// files in place of those that name packs which go; then the old index files; then the old packs. What was cut short
  /// is completed by the next prune: until then blobs may lie twice, or packs in no index.
  ///
  /// Memory: 60 bytes a blob, and the byte budget. Throws `lockLost` when the lock could not be renewed in time.
  public func prune(_ options: PruneOptions = PruneOptions()) async throws -> PruneReport {
    try options.check()
    return try await withLock(.exclusive, patience: options.patience) { lock in
      forgetIndex()
      defer { forgetIndex() }
      return try await PruneRun(repository: self, lock: lock, options: options).run()
    }
  }
}
