/// A stretch of a lineage that the archive holds without a hole.
public struct CoverageRun: Sendable, Hashable {
  /// The number of its first segment.
  public var first: UInt64
  /// The number of its last segment, which may not be whole.
  public var last: UInt64
  /// Where the stored bytes end.
  public var end: LSN
  /// Whether the last segment is only there in parts.
  public var endsInPartial: Bool

  package init(first: UInt64, last: UInt64, end: LSN, endsInPartial: Bool) {
    (self.first, self.last, self.end, self.endsInPartial) = (first, last, end, endsInPartial)
  }
}

extension Lineage {
  /// What the inventories hold of this lineage, in the order of the log.
  public func coverage(_ inventories: [IncarnationID: WALInventory]) -> [CoverageRun] {
    var runs: [CoverageRun] = []
    for piece in pieces {
      guard let timeline = inventories[piece.incarnation]?.timelines[piece.timeline] else { continue }
      let first = number(of: piece.from)
      // The segment in which the next timeline begins is the next timeline's.
      let end = piece.to.map { number(of: $0) } ?? UInt64.max
      for run in timeline.runs where run.upperBound >= first && run.lowerBound < end {
        append(max(run.lowerBound, first)...min(run.upperBound, end - 1), to: &runs)
      }
      let partials = Dictionary(grouping: timeline.partials) { $0.segment.number }
      for number in partials.keys.sorted() where number >= first && number <= end && !timeline.contains(number) {
        guard let parts = partials[number], let last = PartialSegmentName.chain(of: parts).last else { continue }
        append(partial: last, limit: piece.to, to: &runs)
      }
      if let to = piece.to, timeline.contains(end), LSN(end * segmentSize.bytes) < to {
        // The old timeline went on and filled that segment: up to where it was left it is as good as a part.
        let name = WALSegmentName(timeline: piece.timeline, number: end, size: segmentSize)
        append(partial: PartialSegmentName(segment: name, from: 0, to: segmentSize.bytes), limit: to, to: &runs)
      }
      runs.sort { $0.first < $1.first }
    }
    return runs
  }

  private func append(_ range: ClosedRange<UInt64>, to runs: inout [CoverageRun]) {
    let end = LSN((range.upperBound + 1) * segmentSize.bytes)
    if let last = runs.indices.last(where: { runs[$0].endsBefore(range.lowerBound) }) {
      (runs[last].last, runs[last].end, runs[last].endsInPartial) = (range.upperBound, end, false)
    } else {
      runs.append(CoverageRun(first: range.lowerBound, last: range.upperBound, end: end, endsInPartial: false))
    }
  }

  private func append(partial: PartialSegmentName, limit: LSN?, to runs: inout [CoverageRun]) {
    let number = partial.segment.number
    let end = limit.map { min($0, partial.end) } ?? partial.end
    if let last = runs.indices.last(where: { runs[$0].endsInPartial && runs[$0].last == number }) {
      // The old timeline's part of the segment, and the new timeline's, which holds the old one's beginning too.
      runs[last].end = max(runs[last].end, end)
    } else if let last = runs.indices.last(where: { !runs[$0].endsInPartial && runs[$0].last + 1 == number }) {
      (runs[last].last, runs[last].end, runs[last].endsInPartial) = (number, end, true)
    } else if !runs.contains(where: { ($0.first...$0.last).contains(number) }) {
      runs.append(CoverageRun(first: number, last: number, end: end, endsInPartial: true))
    }
  }
}

extension CoverageRun {
  /// Whether a stretch that begins with the segment `number` goes on where this one ends: after its last whole segment,
  /// or with the new timeline's file of the segment of which the old timeline's part is the end here.
  fileprivate func endsBefore(_ number: UInt64) -> Bool { endsInPartial ? last == number : last + 1 == number }
}
