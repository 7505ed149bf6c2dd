public import Logging
import ObjectStore

extension WALCatalog {
  /// What of the stored log stays for `bases`, which are all base backups of the database. See `WALExpiry`.
  public func expiry(bases: [RecoveryBase], archived: IncarnationID?) async throws -> WALExpiry {
    var (ways, unknown): ([Lineage], Set<IncarnationID>) = ([], [])
    for incarnation in tree.incarnations.values {
      let archive = archive(incarnation.id, incarnation.segmentSize)
      let based = bases.filter { $0.incarnation == incarnation.id }.map(\.timeline)
      for timeline in Set(try await archive.timelines() + based) {
        if let history = try await archive.history(timeline), tree.owner(of: timeline, inLineOf: incarnation.id) != nil
        {
          ways.append(try Lineage(to: history, of: incarnation, in: tree))
        } else {
          unknown.insert(incarnation.id)
        }
      }
    }
    return WALExpiry(tree: tree, ways: ways, unknown: unknown, bases: bases, archived: archived)
  }

  /// Removes the log that does not stay. Returns how many objects that were.
  ///
  /// May be ended at any moment and run again: it goes from the oldest to the newest, log first, then what is noted of
  /// it. Receivers and recoveries at work are not disturbed.
  @discardableResult
  public func remove(_ expiry: WALExpiry, logger: Logger) async throws -> Int {
    var removed = 0
    for (id, kept) in expiry.kept.sorted(by: { $0.key < $1.key }) {
      guard case .from(let first) = kept, let incarnation = tree[id] else { continue }
      let count = try await archive(id, incarnation.segmentSize).removeLog(before: first)
      if count > 0 {
        let from = first.sorted { $0.key < $1.key }.map { "timeline \($0.key) from segment \($0.value)" }
        logger.info(
          "log that no base backup needs was removed",
          metadata: [
            "incarnation": "\(id)", "objects": "\(count)",
            "kept": "\(from.isEmpty ? "nothing" : from.joined(separator: ", "))",
          ])
      }
      removed += count
    }
    return removed
  }
}

extension WALArchive {
  /// As many as one request of S3 takes, which also bounds what is in memory.
  private static var batch: Int { 1000 }

  /// The timelines of which there is any log.
  func timelines() async throws -> [TimelineID] {
    try await store.commonPrefixes(prefix: DatabaseLayout.wal(incarnation), delimiter: "/").compactMap { prefix in
      UInt32(String(prefix.dropLast()).lastComponent, radix: 16).map { TimelineID($0) }
    }
  }

  /// Removes what `WALExpiry.Kept.from(first)` does not keep, and returns how many objects that were.
  func removeLog(before first: [TimelineID: UInt64]) async throws -> Int {
    var removed = 0
    let folders = [DatabaseLayout.wal(incarnation), DatabaseLayout.commits(incarnation)]
    for folder in folders {
      for prefix in try await store.commonPrefixes(prefix: folder, delimiter: "/").sorted() {
        let timeline = UInt32(String(prefix.dropLast()).lastComponent, radix: 16).map { TimelineID($0) }
        guard let timeline else { continue }
        removed += try await removeObjects(prefix, before: first[timeline])
      }
    }
    removed += try await removeGaps(before: first)
    // History files are needed as long as any timeline is, since each has its ancestors in its own.
    if first.isEmpty { removed += try await removeObjects(DatabaseLayout.wal(incarnation), before: nil) }
    return removed
  }

  /// Removes the objects below `prefix` of segments before the segment `number`; nil: all.
  private func removeObjects(_ prefix: String, before number: UInt64?) async throws -> Int {
    var (keys, removed): ([String], Int) = ([], 0)
    for try await object in store.list(prefix: prefix) {
      if let number, let segment = segmentNumber(object.key), segment >= number { break }
      keys.append(object.key)
      guard keys.count == Self.batch else { continue }
      try await store.delete(keys)
      (keys, removed) = ([], removed + keys.count)
    }
    if !keys.isEmpty { try await store.delete(keys) }
    return removed + keys.count
  }

  /// Removes the notes of gaps that lie before everything that stays.
  private func removeGaps(before first: [TimelineID: UInt64]) async throws -> Int {
    let keys = try await gaps().filter { gap in
      guard !first.isEmpty else { return true }
      let begins = first[gap.fromTimeline].map { gap.from <= LSN($0 * segmentSize.bytes) } ?? true
      let ends = first[gap.toTimeline].map { gap.to <= LSN($0 * segmentSize.bytes) } ?? false
      return begins && ends
    }.map { DatabaseLayout.gap(incarnation, $0) }
    if !keys.isEmpty { try await store.delete(keys) }
    return keys.count
  }
}
