import PostgresEngine
import Testing

@Suite("The recovery window")
struct RecoveryWindowTests {
  static let size = WALSegmentSize.standard
  static let root = IncarnationID.root(systemIdentifier: 7)

  func time(_ minute: Int64) -> PostgresTime { PostgresTime(microseconds: minute * 60_000_000) }
  func lsn(_ segment: UInt64, _ offset: UInt64 = 0) -> LSN { LSN(segment * Self.size.bytes + offset) }

  func base(_ segment: UInt64, at minute: Int64) -> RecoveryBase {
    RecoveryBase(
      snapshot: "s\(minute)", incarnation: Self.root, timeline: TimelineID(1), startLSN: lsn(segment, 40),
      stopLSN: lsn(segment, 400), stopTime: time(minute))
  }

  func run(_ first: UInt64, _ last: UInt64, latest minute: Int64?) -> RecoveryWindow.Run {
    let point = minute.map { CommitSummary.Point(time: time($0), start: lsn(last, 50), lsn: lsn(last, 90)) }
    return RecoveryWindow.Run(
      coverage: CoverageRun(first: first, last: last, end: lsn(last + 1), endsInPartial: false), latest: point,
      last: point)
  }

  func window(
    _ runs: [RecoveryWindow.Run], _ bases: [RecoveryBase], _ gaps: [WALGap] = []
  ) -> RecoveryWindow {
    RecoveryWindow(runs: runs, bases: bases, recordedGaps: gaps, segmentSize: Self.size)
  }

  @Test("there is none without a base backup, and none without WAL behind the base backup but its own end")
  func nothing() {
    #expect(window([run(1, 9, latest: 30)], []).spans.isEmpty)
    let alone = window([], [base(3, at: 10)])
    #expect(alone.earliest == time(10) && alone.latest == time(10))
  }

  @Test("it reaches from the end of the earliest base backup to the last stored commit")
  func simple() {
    let window = window([run(1, 9, latest: 30)], [base(5, at: 20), base(3, at: 10)])
    #expect(window.earliest == time(10))
    #expect(window.latest == time(30))
    #expect(window.latestLSN == lsn(9, 90))
    #expect(window.gaps.isEmpty)
  }

  @Test("a commit before the base backup's end does not pull the window's end back")
  func quiet() {
    #expect(window([run(1, 9, latest: 5)], [base(9, at: 10)]).latest == time(10))
  }

  @Test("a hole is a gap, with the recorded reason or as missing segments; it ends with the next base backup")
  func gaps() {
    let runs = [run(1, 4, latest: 15), run(7, 9, latest: 30)]
    let missing = window(runs, [base(2, at: 10)])
    #expect(missing.spans.count == 1 && missing.latest == time(15))
    #expect(missing.gaps.map(\.reason) == [.segmentMissing])
    #expect(missing.gaps.first?.from == time(15) && missing.gaps.first?.to == nil)
    let gap = WALGap(
      fromTimeline: TimelineID(1), from: lsn(5), toTimeline: TimelineID(1), to: lsn(7), lastCommitTime: time(15),
      reason: .slotMissing, message: "gone", detectedAt: time(20))
    let mended = window(runs, [base(2, at: 10), base(8, at: 25)], [gap])
    #expect(mended.spans.map(\.from) == [time(10), time(25)])
    #expect(mended.gaps.map(\.reason) == [.slotMissing])
    #expect(mended.gaps.first?.to == time(25))
  }

  @Test("a gap of which nothing was stored since is shown as soon as it is recorded")
  func openGap() {
    let gap = WALGap(
      fromTimeline: TimelineID(1), from: lsn(5), toTimeline: TimelineID(1), to: lsn(7), lastCommitTime: time(15),
      reason: .slotInvalidated, message: "gone", detectedAt: time(20))
    let window = window([run(1, 4, latest: 15)], [base(2, at: 10)], [gap])
    #expect(window.gaps.map(\.reason) == [.slotInvalidated])
    #expect(window.gaps.first?.to == nil)
  }

  @Test("segments follow the way through timelines and incarnations, each from the one file that PostgreSQL reads")
  func lineage() throws {
    let child = try #require(IncarnationID("life-1"))
    let tree = IncarnationTree([
      Incarnation(
        id: Self.root, timeline: TimelineID(1), systemIdentifier: 7, majorVersion: 15, segmentSize: Self.size,
        createdAt: time(0)),
      Incarnation(
        id: child, parent: .init(id: Self.root, timeline: TimelineID(2), forkLSN: lsn(9, 64)), timeline: TimelineID(3),
        systemIdentifier: 7, majorVersion: 15, segmentSize: Self.size, createdAt: time(0)),
    ])
    let history = try TimelineHistory(
      timeline: TimelineID(3), parsing: "1\t\(lsn(5, 100))\tx\n\n# comment\n2\t\(lsn(9, 64))\tno reason\n")
    let lineage = try Lineage(to: history, of: try #require(tree[child]), in: tree)
    #expect(lineage.pieces.map(\.incarnation) == [Self.root, Self.root, child])
    #expect(lineage.segment(4)?.timeline == TimelineID(1))
    #expect(lineage.segment(5)?.timeline == TimelineID(2))
    #expect(lineage.segment(8)?.timeline == TimelineID(2))
    #expect(lineage.segment(9)?.timeline == TimelineID(3))
    #expect(lineage.piece(at: lsn(9, 63))?.timeline == TimelineID(2))
    #expect(lineage.piece(at: lsn(9, 64))?.timeline == TimelineID(3))
  }
}
