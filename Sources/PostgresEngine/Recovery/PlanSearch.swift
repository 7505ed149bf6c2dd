/// The search for a plan, with all that was listed.
struct PlanSearch: Sendable {
  let catalog: WALCatalog
  let lineage: Lineage
  let runs: [RecoveryWindow.Run]
  let bases: [RecoveryBase]
  let window: RecoveryWindow

  func plan(_ target: RecoveryTarget) async throws -> RecoveryPlan {
    var plan = try await path(to: target)
    if let last = WALSegmentName(plan.lastSegment, size: lineage.segmentSize) {
      plan.parameters = try await catalog.commits(last.number, in: lineage)?.parametersSoFar
      plan.edits = try await edits(from: plan.base, upTo: last.number)
    }
    return plan
  }

  private func path(to target: RecoveryTarget) async throws -> RecoveryPlan {
    guard !bases.isEmpty else {
      throw WALError(
        .noBaseBackup, "there is no base backup that \(target) could be recovered from; take one, and wait for it")
    }
    switch target {
    case .latest: return try await latest(target)
    case .time(let time): return try await plan(target, time: time)
    case .lsn(let lsn): return try await plan(target, lsn: lsn)
    case .xid(let xid):
      return try plan(target, record: try await find(xid: xid))
    case .name(let name):
      return try plan(target, record: try await find(name: name))
    case .backup: preconditionFailure("a base backup's own end is not searched for in the log")
    }
  }

  // MARK: The kinds of target

  private func latest(_ target: RecoveryTarget) async throws -> RecoveryPlan {
    let newest = bases.max { $0.stopLSN < $1.stopLSN }
    guard let base = newest else { throw outside(target) }
    guard let run = run(of: base) else { return alone(target, base) }
    return make(target, .endOfWAL, base, run, upTo: run.coverage.last, last: run.last)
  }

  private func plan(_ target: RecoveryTarget, time: PostgresTime) async throws -> RecoveryPlan {
    let fitting = bases.filter { $0.stopTime <= time }
    guard let base = fitting.max(by: { $0.stopLSN < $1.stopLSN }) else { throw outside(target) }
    guard let run = run(of: base) else {
      // Only the base backup itself: true as long as no commit could have come between its end and the target.
      if base.stopTime == time { return alone(target, base) }
      throw beyond(target, base)
    }
    let end = run.latest?.time
    if end.map({ time < $0 }) ?? false {
      let number = try await firstSegment(committingAfter: time, run, from: base)
      return make(target, .time(time), base, run, upTo: number, last: nil)
    }
    // At or past the last commit of its run: fine at the end of all that is stored, and at the very commit before a
    // gap. In between, commits are unknown.
    guard run.coverage == runs.last?.coverage || end == time else { throw inGap(target) }
    guard !hasGap(behind: run) || end == time else { throw inGap(target) }
    return make(target, .endOfWAL, base, run, upTo: run.coverage.last, last: run.last)
  }

  private func plan(_ target: RecoveryTarget, lsn: LSN) async throws -> RecoveryPlan {
    let fitting = bases.filter { $0.stopLSN <= lsn }
    guard let base = fitting.max(by: { $0.stopLSN < $1.stopLSN }) else { throw outside(target) }
    guard let run = run(of: base) else {
      if base.stopLSN == lsn { return alone(target, base) }
      throw beyond(target, base)
    }
    guard lsn <= run.coverage.end else {
      throw run.coverage == runs.last?.coverage && !hasGap(behind: run) ? outside(target) : inGap(target)
    }
    // PostgreSQL stops at a record that begins at the target or behind it: there must be one.
    if let last = run.last, lsn <= last.start {
      return make(target, .lsn(lsn), base, run, upTo: lineage.number(of: last.start), last: nil, stopNear: lsn)
    }
    return make(target, .endOfWAL, base, run, upTo: run.coverage.last, last: run.last)
  }

  /// For a transaction or a restore point, whose record was found: replay stops right behind it.
  private func plan(_ target: RecoveryTarget, record: (start: LSN, end: LSN)) throws -> RecoveryPlan {
    let fitting = bases.filter { base in
      base.stopLSN <= record.start && (run(of: base).map { record.end <= $0.coverage.end } ?? false)
    }
    guard let base = fitting.max(by: { $0.stopLSN < $1.stopLSN }), let run = run(of: base) else {
      throw WALError(
        .noBaseBackup,
        "\(target) ends at \(record.end), and no base backup from which the log reaches it without a gap ended before. "
          + describeWindow())
    }
    return make(target, .lsn(record.start), base, run, upTo: lineage.number(of: LSN(record.end.bytes - 1)), last: nil)
  }

  // MARK: Searching the log

  /// The first segment in which a commit later than `time` ends, after the base backup.
  ///
  /// The latest commit so far never falls on one timeline of one archive, so that halving finds it there; only where the
  /// server's clock was set back is it looked for one by one.
  private func firstSegment(
    committingAfter time: PostgresTime, _ run: RecoveryWindow.Run, from base: RecoveryBase
  ) async throws -> UInt64 {
    let first = max(run.coverage.first, lineage.number(of: base.stopLSN))
    for segments in lineage.stretches(of: first...max(first, run.coverage.last)) {
      var (low, high) = (segments.lowerBound, segments.upperBound)
      guard try await isLater(high, than: time) else { continue }
      guard try await isLater(low, than: time) else {
        while low < high {
          let middle = low + (high - low) / 2
          if try await isLater(middle, than: time) { high = middle } else { low = middle + 1 }
        }
        return high
      }
      for number in segments {
        if let latest = try await catalog.commits(number, in: lineage)?.latestTime, latest > time { return number }
      }
    }
    return run.coverage.last
  }

  private func isLater(_ number: UInt64, than time: PostgresTime) async throws -> Bool {
    guard let latest = try await catalog.commits(number, in: lineage)?.latestSoFar else { return false }
    return latest.time > time
  }

  private func find(xid: UInt32) async throws -> (start: LSN, end: LSN) {
    for run in runs.reversed() {
      for number in (run.coverage.first...run.coverage.last).reversed() {
        guard let commits = try await catalog.commits(number, in: lineage), let lowest = commits.lowestXID,
          let highest = commits.highestXID, (lowest...highest).contains(xid)
        else { continue }
        let records = try await catalog.records(number, in: lineage)
        if let record = records.last(where: { $0.xid == xid }) { return (record.start, record.end) }
      }
    }
    throw WALError(
      .targetNotFound,
      "transaction \(xid) neither commits nor rolls back in the stored WAL. \(describeWindow()) A transaction that "
        + "wrote nothing has no number, and one that is still running has no end")
  }

  private func find(name: String) async throws -> (start: LSN, end: LSN) {
    for run in runs.reversed() {
      for number in (run.coverage.first...run.coverage.last).reversed() {
        let points = try await catalog.commits(number, in: lineage)?.restorePoints ?? []
        if let point = points.last(where: { $0.name == name }) { return (point.start, point.lsn) }
      }
    }
    throw WALError(
      .targetNotFound,
      "there is no restore point '\(name)' in the stored WAL. \(describeWindow()) Restore points are made with "
        + "SELECT pg_create_restore_point('\(name)')")
  }

  // MARK: Plans

  private func run(of base: RecoveryBase) -> RecoveryWindow.Run? {
    runs.first { RecoveryWindow.holds($0.coverage, base, lineage.segmentSize) }
  }

  private func hasGap(behind run: RecoveryWindow.Run) -> Bool {
    window.gaps.contains { $0.fromLSN == run.coverage.end }
  }

  /// The base backup with the WAL that it brings along, and nothing from the archive.
  private func alone(_ target: RecoveryTarget, _ base: RecoveryBase) -> RecoveryPlan {
    let coverage = CoverageRun(
      first: lineage.number(of: base.stopLSN), last: lineage.number(of: base.stopLSN), end: base.stopLSN,
      endsInPartial: true)
    let run = RecoveryWindow.Run(coverage: coverage, latest: nil, last: nil)
    var plan = make(target, .endOfWAL, base, run, upTo: coverage.last, last: nil)
    plan.walSegments = 0
    return plan
  }

  private func make(
    _ target: RecoveryTarget, _ stop: RecoveryStop, _ base: RecoveryBase, _ run: RecoveryWindow.Run,
    upTo segment: UInt64, last: CommitSummary.Point?, stopNear lsn: LSN? = nil
  ) -> RecoveryPlan {
    let first = lineage.number(of: base.stopLSN)
    let end = max(first, lsn.map { min(segment, lineage.number(of: $0) + 1) } ?? segment)
    let timeline = lineage.segment(end)?.timeline ?? base.timeline
    return RecoveryPlan(
      target: target, stop: stop, base: base,
      lineage: lineage.ending(at: max(timeline, base.timeline)).beginning(at: base.startLSN),
      firstSegment: lineage.segment(first)?.description ?? "", lastSegment: lineage.segment(end)?.description ?? "",
      walSegments: Int(end - first) + 1, missing: [], lastCommit: last)
  }

  // MARK: Refusals

  private func describeWindow() -> String {
    guard !window.spans.isEmpty else { return "Nothing can be recovered yet." }
    let spans = window.spans.map { "\($0.from) to \($0.to) (LSN \($0.fromLSN) to \($0.endLSN))" }
    return "The recovery window is " + spans.joined(separator: ", and ") + "."
  }

  private func outside(_ target: RecoveryTarget) -> WALError {
    WALError(
      .targetOutsideWindow,
      "\(target) lies outside of what can be recovered. \(describeWindow()) Choose a target inside it")
  }

  private func inGap(_ target: RecoveryTarget) -> WALError {
    let gaps = window.gaps.map { "\($0.fromLSN) to \($0.toLSN): \($0.reason.rawValue), \($0.message)" }
    return WALError(
      .targetInGap,
      "\(target) lies in a gap of the archive (\(gaps.joined(separator: "; "))). \(describeWindow()) Choose a target "
        + "inside it")
  }

  private func beyond(_ target: RecoveryTarget, _ base: RecoveryBase) -> WALError {
    WALError(
      .walMissing,
      "no WAL is stored after the base backup that ended at \(base.stopLSN), so \(target) cannot be reached. "
        + describeWindow())
  }
}

extension WALRecord {
  /// The transaction that ended with this record.
  fileprivate var xid: UInt32? {
    switch kind {
    case .commit(let xid, _), .abort(let xid, _): xid
    case .restorePoint, .checkpoint, .parameters, .tablespace, .segmentSwitch: nil
    }
  }
}
