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
  /// `.incarnationUnknown`; each says what the window is.
  public func plan(_ target: RecoveryTarget, incarnation id: IncarnationID) async throws -> RecoveryPlan {
    let inventories = try await catalog.inventories(of: id)
    let lineage = try await catalog.lineage(of: id, inventories, bases: bases)
    let runs = try await catalog.runs(lineage, inventories)
    let search = PlanSearch(
      catalog: catalog, lineage: lineage, runs: runs, bases: bases.filter { lineage.holds($0) },
      window: RecoveryWindow(
        runs: runs, bases: bases.filter { lineage.holds($0) },
        recordedGaps: lineage.pieces.map(\.incarnation).uniqued().flatMap { inventories[$0]?.gaps ?? [] },
        segmentSize: lineage.segmentSize))
    return try await search.plan(target)
  }
}
