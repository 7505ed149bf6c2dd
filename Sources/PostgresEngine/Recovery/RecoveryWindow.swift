/// What can be recovered of a database, as spans of time with gaps between them.
///
/// True in this sense: every commit whose time lies in a span, and whose record lies in the span's WAL, can be
/// recovered; nothing outside a span is promised.
public struct RecoveryWindow: Sendable, Hashable, Codable {
  /// A stretch without a hole.
  public struct Span: Sendable, Hashable, Codable {
    /// When the earliest base backup in it ended.
    public var from: PostgresTime
    /// Where that base backup ended.
    public var fromLSN: LSN
    /// The last stored commit, by the server's clock; not before `from`.
    public var to: PostgresTime
    /// The end of the last stored commit; not before `fromLSN`.
    public var toLSN: LSN
    /// Where the stored WAL ends.
    public var endLSN: LSN
  }

  /// What cannot be recovered, between two spans or after the last.
  public struct Gap: Sendable, Hashable, Codable {
    /// The last commit before it; nil when none is known.
    public var from: PostgresTime?
    /// Where the span after it begins; nil while no base backup was taken since.
    public var to: PostgresTime?
    /// Where the stored WAL ends before it.
    public var fromLSN: LSN
    /// Where the WAL goes on after it.
    public var toLSN: LSN
    /// Why.
    public var reason: WALGap.Reason
    /// What the server said, or what is missing.
    public var message: String
  }

  /// In the order of the log.
  public var spans: [Span]
  /// In the order of the log.
  public var gaps: [Gap]

  /// The beginning of the first span.
  public var earliest: PostgresTime? { spans.first?.from }
  /// The end of the last span.
  public var latest: PostgresTime? { spans.last?.to }
  /// The end of the last commit of the last span.
  public var latestLSN: LSN? { spans.last?.toLSN }

  /// A stretch of stored WAL with its last commits.
  public struct Run: Sendable, Hashable {
    /// Which segments.
    public var coverage: CoverageRun
    /// The latest commit in it or before it, by time.
    public var latest: CommitSummary.Point?
    /// The last commit in it or before it, in the order of the log.
    public var last: CommitSummary.Point?

    /// A stretch and its last commits.
    public init(coverage: CoverageRun, latest: CommitSummary.Point?, last: CommitSummary.Point?) {
      (self.coverage, self.latest, self.last) = (coverage, latest, last)
    }
  }

  /// The window that stored WAL and base backups make. `bases` lie on the lineage of the runs.
  public init(runs: [Run], bases: [RecoveryBase], recordedGaps: [WALGap], segmentSize: WALSegmentSize) {
    spans = []
    gaps = []
    for (index, run) in runs.enumerated() {
      let span = Self.span(run, bases, segmentSize)
      if index > 0 {
        gaps.append(Self.gap(from: runs[index - 1], to: run, span: span, recordedGaps, segmentSize))
      }
      if let span { spans.append(span) }
    }
    if let last = runs.last, let open = recordedGaps.last(where: { $0.to > last.coverage.end }) {
      gaps.append(
        Gap(
          from: last.latest?.time ?? open.lastCommitTime, to: nil, fromLSN: last.coverage.end, toLSN: open.to,
          reason: open.reason, message: open.message))
    }
    // A base backup alone, with the WAL inside it, can be restored as of its end.
    for base in bases where !runs.contains(where: { Self.holds($0.coverage, base, segmentSize) }) {
      spans.append(
        Span(from: base.stopTime, fromLSN: base.stopLSN, to: base.stopTime, toLSN: base.stopLSN, endLSN: base.stopLSN))
    }
    spans.sort { $0.fromLSN < $1.fromLSN }
  }

  /// Whether the WAL that follows the base backup begins in this run.
  static func holds(_ run: CoverageRun, _ base: RecoveryBase, _ size: WALSegmentSize) -> Bool {
    // A base backup brings the WAL up to its end along, so that the run may also begin right behind it.
    let stop = base.stopLSN.bytes / size.bytes
    return run.first <= stop + (base.stopLSN.bytes % size.bytes == 0 ? 0 : 1) && base.stopLSN <= run.end
      && run.last >= stop
  }

  private static func span(_ run: Run, _ bases: [RecoveryBase], _ size: WALSegmentSize) -> Span? {
    guard let base = bases.filter({ holds(run.coverage, $0, size) }).min(by: { $0.stopLSN < $1.stopLSN })
    else { return nil }
    return Span(
      from: base.stopTime, fromLSN: base.stopLSN, to: max(base.stopTime, run.latest?.time ?? base.stopTime),
      toLSN: max(base.stopLSN, run.last?.lsn ?? base.stopLSN), endLSN: run.coverage.end)
  }

  private static func gap(
    from before: Run, to after: Run, span: Span?, _ recorded: [WALGap], _ size: WALSegmentSize
  ) -> Gap {
    let begin = LSN(after.coverage.first * size.bytes)
    let known = recorded.first { $0.to > before.coverage.end && $0.from <= begin }
    return Gap(
      from: before.latest?.time, to: span?.from, fromLSN: before.coverage.end, toLSN: begin,
      reason: known?.reason ?? .segmentMissing,
      message: known?.message
        ?? "segments \(before.coverage.last + 1) to \(after.coverage.first) are not in the archive")
  }
}
