extension Repository {
  /// Looks whether every snapshot can be restored.
  ///
  /// Findings do not throw: they are in the report. What throws is a store that cannot be reached, or cancellation.
  /// Take a shared lock first, as nothing may be pruned meanwhile. Memory: the index, 32 bytes a tree, and the byte
  /// budget.
  public func check(_ depth: CheckDepth) async throws -> CheckReport {
    let run = CheckRun(self)
    try await run.readIndex()
    try await run.comparePacks()
    try await run.walkSnapshots()
    if depth == .everyByte { try await run.readPacks() }
    return run.report
  }
}
