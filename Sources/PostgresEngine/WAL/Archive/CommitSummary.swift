/// What was committed in a segment, or in the beginning of one that is not finished.
///
/// Stored as sealed JSON beside each whole segment, and inside each partial (there: of the segment's beginning up to
/// the partial's end), so that the recovery window and a preflight need not read the log itself. A record belongs to
/// the segment in which it ends.
public struct CommitSummary: Sendable, Hashable, Codable {
  /// A moment in the log.
  public struct Point: Sendable, Hashable, Codable {
    /// When it was committed, by the server's clock.
    public var time: PostgresTime
    /// Where the commit record begins.
    public var start: LSN
    /// The position after the commit record.
    public var lsn: LSN

    package init(time: PostgresTime, start: LSN, lsn: LSN) {
      (self.time, self.start, self.lsn) = (time, start, lsn)
    }
  }

  /// A named restore point.
  public struct RestorePoint: Sendable, Hashable, Codable {
    /// As given to `pg_create_restore_point`.
    public var name: String
    /// When it was made, by the server's clock.
    public var time: PostgresTime
    /// Where its record begins.
    public var start: LSN
    /// The position after its record.
    public var lsn: LSN
  }

  /// The CREATE TABLESPACE statements in a stretch of the log, but for those without a path.
  public struct Tablespaces: Sendable, Hashable, Codable {
    /// Where the stretch begins: of records that end before, nothing is said here.
    public var since: LSN
    /// In the order of the log.
    public var created: [TablespaceCreation]

    /// More than anybody has; who makes and drops them all the time shall not make every summary long.
    static let limit = 64

    /// A stretch from `since` on.
    public init(since: LSN, created: [TablespaceCreation] = []) { (self.since, self.created) = (since, created) }

    mutating func add(_ creation: TablespaceCreation) {
      created.append(creation)
      if created.count > Self.limit { since = created.removeFirst().lsn }
    }
  }

  /// The version of this format.
  public var version = 1
  /// Commits in the segment.
  public var count = 0
  /// The first commit in the order of the log.
  public var first: Point?
  /// The last commit in the order of the log.
  public var last: Point?
  /// The earliest and latest commit times; in the order of the log, times need not rise.
  public var earliestTime: PostgresTime?
  /// See `earliestTime`.
  public var latestTime: PostgresTime?
  /// The lowest and highest numbers of transactions that were committed or rolled back, compared as plain numbers.
  public var lowestXID: UInt32?
  /// See `lowestXID`.
  public var highestXID: UInt32?
  /// Restore points in the segment.
  public var restorePoints: [RestorePoint] = []
  /// The latest commit (by time) in this archive up to the segment's end, this segment included. It never falls from
  /// one segment to the next, which makes it a key to search by.
  public var latestSoFar: Point?
  /// The last commit in the order of the log, in this archive up to the segment's end.
  public var lastSoFar: Point?
  /// The highest settings that the server is known to have run with in this archive, up to the segment's end; nil
  /// where none were written down in the log.
  public var parametersSoFar: RequiredParameters?
  /// The tablespaces that were created in this archive up to the segment's end, as far back as it is known; nil in a
  /// summary of an earlier Tidemark, which says nothing about them.
  public var tablespacesSoFar: Tablespaces?
  /// The end of the last whole record in it; nil when none ended there.
  public var endOfLastRecord: LSN?

  /// Nothing yet.
  public init() {}

  /// The beginning of the segment that follows the one with this summary.
  public func following() -> CommitSummary {
    var next = CommitSummary()
    next.latestSoFar = latestSoFar
    next.lastSoFar = lastSoFar
    next.parametersSoFar = parametersSoFar
    next.tablespacesSoFar = tablespacesSoFar
    return next
  }

  /// Takes a record into account.
  public mutating func add(_ record: WALRecord) {
    switch record.kind {
    case .commit(let xid, let time): addCommit(Point(time: time, start: record.start, lsn: record.end), xid)
    case .abort(let xid, _): addTransaction(xid)
    case .restorePoint(let name, let time):
      restorePoints.append(RestorePoint(name: name, time: time, start: record.start, lsn: record.end))
    case .parameters(let parameters): parametersSoFar = parametersSoFar?.raised(to: parameters) ?? parameters
    case .tablespace(let oid, let path):
      guard !path.isEmpty else { return }
      tablespacesSoFar?.add(TablespaceCreation(oid: oid, path: path, start: record.start, lsn: record.end))
    case .checkpoint, .segmentSwitch: break
    }
  }

  private mutating func addCommit(_ point: Point, _ xid: UInt32) {
    count += 1
    if first == nil { first = point }
    last = point
    earliestTime = min(earliestTime ?? point.time, point.time)
    latestTime = max(latestTime ?? point.time, point.time)
    lastSoFar = point
    if latestSoFar.map({ $0.time <= point.time }) ?? true { latestSoFar = point }
    addTransaction(xid)
  }

  private mutating func addTransaction(_ xid: UInt32) {
    lowestXID = min(lowestXID ?? xid, xid)
    highestXID = max(highestXID ?? xid, xid)
  }
}
