public import Repository

/// Finds out, before anything is created, whether and how a target can be reached.
///
/// A plan that is returned holds: its base backup ended at or before the target on the target's way of the log, every
/// segment from there to the target was in the archive when it was listed, and replay will stop where the plan says.
public struct Preflight: Sendable {
  private let catalog: WALCatalog
  private let bases: [RecoveryBase]

  /// A preflight on what `catalog` holds; `bases` are all base backups of the database.
  public init(catalog: WALCatalog, bases: [RecoveryBase]) { (self.catalog, self.bases) = (catalog, bases) }

  /// The way to `target` in the incarnation `id`.
  ///
  /// Throws `WALError`: `.targetOutsideWindow`, `.targetInGap`, `.targetNotFound`, `.noBaseBackup`, `.walMissing`,
  /// `.incarnationUnknown`; each says what the window is. For `.backup` the incarnation does not matter: it is the base
  /// backup's own.
  public func plan(_ target: RecoveryTarget, incarnation id: IncarnationID) async throws -> RecoveryPlan {
    if case .backup(let snapshot) = target { return try plan(backup: snapshot) }
    let inventories = try await catalog.inventories(of: id)
    let lineage = try await catalog.lineage(of: id, inventories, bases: bases)
    let runs = try await catalog.runs(lineage, inventories)
    let search = PlanSearch(
      catalog: catalog, lineage: lineage, runs: runs, bases: bases.filter { lineage.holds($0) },
      window: RecoveryWindow(
        runs: runs, bases: bases.filter { lineage.holds($0) },
        recordedGaps: lineage.gaps(inventories), segmentSize: lineage.segmentSize))
    return try await search.plan(target)
  }

  /// The way to the end of a base backup itself, which needs its snapshot and nothing else: neither the log's archive
  /// nor an incarnation's document has to be there.
  ///
  /// Throws `WALError` with `.noBaseBackup` where the snapshot is not one of the base backups.
  public func plan(backup snapshot: SnapshotID) throws -> RecoveryPlan {
    guard let base = bases.first(where: { $0.snapshot == snapshot.description }) else {
      throw WALError(
        .noBaseBackup,
        "snapshot \(snapshot.short) is not one of this database's \(bases.count) base backups: it was forgotten, or is "
          + "no base backup. Choose another Backup, or a moment of the recovery window")
    }
    let lineage = Lineage(
      pieces: [Lineage.Piece(incarnation: base.incarnation, timeline: base.timeline, from: LSN(0), to: nil)],
      segmentSize: base.segmentSize)
    let last = LSN(max(base.stopLSN.bytes, 1) - 1)
    return RecoveryPlan(
      target: .backup(snapshot), stop: .consistency, base: base, lineage: lineage,
      firstSegment: lineage.segment(lineage.number(of: base.startLSN))?.description ?? "",
      lastSegment: lineage.segment(lineage.number(of: last))?.description ?? "", walSegments: 0, missing: [])
  }
}
