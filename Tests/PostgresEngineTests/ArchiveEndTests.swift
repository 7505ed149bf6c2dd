import PostgresEngine
import Testing

@Suite("Where a receiver goes on")
struct ArchiveEndTests {
  private static let size = WALSegmentSize.standard

  private static func lsn(_ segment: UInt64, _ offset: UInt64 = 0) -> LSN { LSN(segment * size.bytes + offset) }

  private static func part(_ segment: UInt64, _ from: UInt64, _ to: UInt64) -> PartialSegmentName {
    PartialSegmentName(
      segment: WALSegmentName(timeline: TimelineID(1), number: segment, size: size), from: from, to: to)
  }

  private static func gap(_ from: LSN, _ to: LSN) -> WALGap {
    WALGap(
      fromTimeline: TimelineID(1), from: from, toTimeline: TimelineID(1), to: to, lastCommitTime: nil,
      reason: .slotMissing, message: "gone", detectedAt: PostgresTime(microseconds: 0))
  }

  private struct Case {
    var name: String
    var runs: [ClosedRange<UInt64>] = []
    var partials: [PartialSegmentName] = []
    var gaps: [WALGap] = []
    var begin: LSN?
    var end: LSN?
  }

  private static let cases = [
    Case(name: "nothing is stored", begin: lsn(3), end: nil),
    Case(name: "whole segments", runs: [3...5], begin: lsn(3), end: lsn(6)),
    Case(
      name: "a segment that is not whole", runs: [3...5], partials: [part(6, 0, 100), part(6, 100, 300)],
      end: lsn(6, 300)),
    Case(name: "left-over parts of a whole segment", runs: [3...5], partials: [part(5, 0, 100)], end: lsn(6)),
    Case(name: "a hole between whole segments", runs: [3...5, 7...9], end: lsn(6)),
    Case(name: "a hole before a segment that is not whole", runs: [3...5], partials: [part(7, 0, 100)], end: lsn(6)),
    Case(
      name: "a segment that is not whole before one that is", runs: [3...5, 7...9], partials: [part(6, 0, 100)],
      end: lsn(6, 100)),
    Case(name: "a hole that a gap explains", runs: [3...5, 8...9], gaps: [gap(lsn(6), lsn(8))], end: lsn(10)),
    Case(
      name: "a gap in the middle of a segment", runs: [3...5, 8...9], partials: [part(6, 0, 100)],
      gaps: [gap(lsn(6, 100), lsn(8))], end: lsn(10)),
    Case(
      name: "a gap, and behind it a segment that is missing", runs: [3...5, 9...9], gaps: [gap(lsn(6), lsn(8))],
      end: lsn(8)),
    Case(
      name: "two gaps side by side", runs: [3...5, 9...9], gaps: [gap(lsn(6), lsn(8)), gap(lsn(8), lsn(9))],
      end: lsn(10)),
    Case(name: "the very first segment is missing", runs: [4...5], begin: lsn(3), end: lsn(3)),
    Case(
      name: "the first segments are missing, and all after is not whole", partials: [part(5, 0, 9)], begin: lsn(3),
      end: lsn(3)),
    Case(name: "more was confirmed than the first segment", runs: [3...5], begin: lsn(5), end: lsn(6)),
    Case(name: "what was removed since it was confirmed", runs: [2...2, 4...9], begin: lsn(7), end: lsn(10)),
    Case(name: "the same, all confirmed", runs: [2...2, 4...9], begin: lsn(10), end: lsn(10)),
    Case(name: "a slot that knows less than the archive does not", runs: [2...2, 4...9], end: lsn(3)),
    Case(
      name: "the log before the first segment was lost", runs: [8...9], gaps: [gap(lsn(3), lsn(8))], begin: lsn(3),
      end: lsn(10)),
  ]

  @Test("it is the end of what is stored before the first hole that no gap explains")
  func table() {
    for entry in Self.cases {
      var timeline = WALInventory.Timeline()
      (timeline.runs, timeline.partials) = (entry.runs, entry.partials)
      #expect(timeline.end(from: entry.begin, gaps: entry.gaps, Self.size) == entry.end, "\(entry.name)")
    }
  }
}
