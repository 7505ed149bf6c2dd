extension PlanSearch {
  /// What must be other in the log from `base` to the segment `last`, so that its replay leaves alone the directories
  /// in which the source created tablespaces on the way.
  ///
  /// Throws `WALError` with `.tablespaceCreated` where the server knows no tablespaces in place, so that such log can
  /// not be replayed without harm.
  func edits(from base: RecoveryBase, upTo last: UInt64) async throws -> [WALEdit] {
    let created = try await tablespaces(from: base, upTo: last)
    if let first = created.first, let version = base.serverVersion, !TablespaceLayout.isSettingKnown(to: version) {
      throw WALError(
        .tablespaceCreated,
        "on the way from the base backup that ended at \(base.stopLSN), the log creates a tablespace in \(first.path) "
          + "(OID \(first.oid), LSN \(first.lsn)). PostgreSQL \(version) would replay that into this very directory, "
          + "which may hold the source's files. Take a base backup after it and choose a target behind that, choose a "
          + "target before \(first.start), or update PostgreSQL to 13.8, 14.5 or newer and take a base backup")
    }
    var edits: [WALEdit] = []
    for creation in created {
      let first = try await catalog.files(lineage.number(of: creation.start), in: lineage)
      let end = lineage.number(of: LSN(creation.lsn.bytes - 1))
      let second = end == lineage.number(of: creation.start) ? [] : try await catalog.files(end, in: lineage)
      for file in first {
        if second.isEmpty { edits += WALEdit.hidingPath(of: creation, in: [file]) }
        for next in second { edits += WALEdit.hidingPath(of: creation, in: [file, next]) }
      }
    }
    return edits.uniqued()
  }

  /// The tablespaces that replay from `base` to the segment `last` creates, as far as that log is in the archive.
  private func tablespaces(from base: RecoveryBase, upTo last: UInt64) async throws -> [TablespaceCreation] {
    var created: [TablespaceCreation] = []
    for run in runs.map(\.coverage) {
      let (first, last) = (max(run.first, lineage.number(of: base.startLSN)), min(run.last, last))
      guard first <= last else { continue }
      for segments in lineage.stretches(of: first...last) { created += try await tablespaces(in: segments) }
    }
    return created.filter { $0.start >= base.startLSN }.uniqued().sorted { $0.start < $1.start }
  }

  /// Of segments of one archive. What its last summary does not reach back to is looked for in the log itself: summaries
  /// of an earlier Tidemark say nothing, and the first one of an archive knows nothing of a record that began before.
  private func tablespaces(in segments: ClosedRange<UInt64>) async throws -> [TablespaceCreation] {
    let known = try await catalog.commits(segments.upperBound, in: lineage)?.tablespacesSoFar
    let since = known?.since ?? LSN(.max)
    let begin = LSN(segments.lowerBound * lineage.segmentSize.bytes)
    var created = known?.created.filter { $0.lsn > begin } ?? []
    guard since >= begin else { return created }
    for number in segments.lowerBound...min(segments.upperBound, max(segments.lowerBound, lineage.number(of: since))) {
      created += try await catalog.records(number, in: lineage).compactMap { TablespaceCreation($0) }
    }
    return created
  }
}
