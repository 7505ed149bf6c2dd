import ObjectStore

/// What an incarnation's archive holds, by name only: a few numbers however many segments there are.
public struct WALInventory: Sendable, Hashable {
  /// The segments of one timeline.
  public struct Timeline: Sendable, Hashable {
    /// Runs of whole segments, by number, rising, with a hole between one and the next.
    public package(set) var runs: [ClosedRange<UInt64>] = []
    /// Parts of segments that are not whole.
    public package(set) var partials: [PartialSegmentName] = []

    package init() {}

    mutating func addWhole(_ number: UInt64) {
      if let last = runs.last, last.upperBound + 1 == number {
        runs[runs.count - 1] = last.lowerBound...number
      } else if runs.last.map({ $0.upperBound < number }) ?? true {
        runs.append(number...number)
      }
    }

    /// Forgets what lies behind the segment `number`.
    mutating func keep(upTo number: UInt64) {
      runs = runs.filter { $0.lowerBound <= number }.map { $0.lowerBound...min($0.upperBound, number) }
    }

    /// Forgets what lies before the segment `number`.
    mutating func keep(from number: UInt64) {
      runs = runs.filter { $0.upperBound >= number }.map { max($0.lowerBound, number)...$0.upperBound }
      partials.removeAll { $0.segment.number < number }
    }

    /// The highest number of a whole segment.
    var lastWhole: UInt64? { runs.last?.upperBound }

    /// Where a receiver goes on: the end of what is stored before the first hole that no recorded gap explains; nil
    /// where nothing is stored.
    ///
    /// A killed receiver's uploads ended in any order, so that a later segment may be there without an earlier one; the
    /// server still has that, as it was not confirmed. `begin` is where the archive must begin at the latest, for a hole
    /// before the first segment.
    package func end(from begin: LSN?, gaps: [WALGap], _ size: WALSegmentSize) -> LSN? {
      var stretches = stretches(size)
      guard let last = stretches.last else { return nil }
      // What was confirmed was whole when it was: there, segments may be missing that were removed since.
      if let begin, last.end >= begin {
        stretches.removeAll { $0.end <= begin }
        if stretches.isEmpty { return last.end }
      }
      var reached = min(begin ?? stretches[0].start, stretches[0].start)
      for stretch in stretches {
        while reached < stretch.start {
          // A gap ends at a segment's start. Of what comes between it and the next segment, it explains nothing.
          guard let gap = gaps.first(where: { $0.from < stretch.start && $0.to > reached }) else { return reached }
          reached = gap.to
        }
        reached = max(reached, stretch.end)
      }
      return reached
    }

    /// What is stored without a hole, in the order of the log: runs, and the beginnings of segments that are not whole.
    private func stretches(_ size: WALSegmentSize) -> [(start: LSN, end: LSN)] {
      let beginnings = Dictionary(grouping: partials.filter { !contains($0.segment.number) }, by: \.segment)
        .compactMap { segment, parts in PartialSegmentName.chain(of: parts).last.map { (segment.start, $0.end) } }
      let whole = runs.map { (LSN($0.lowerBound * size.bytes), LSN(($0.upperBound + 1) * size.bytes)) }
      return (whole + beginnings).sorted { $0.0 < $1.0 }
    }

    /// Whether the whole segment `number` is there.
    func contains(_ number: UInt64) -> Bool { runs.contains { $0.contains(number) } }
  }

  /// By number.
  public internal(set) var timelines: [TimelineID: Timeline] = [:]
  /// Recorded gaps in the order of the log.
  public internal(set) var gaps: [WALGap] = []

  /// Nothing.
  public init() {}

  /// The newest timeline of which there is any WAL.
  public var newestTimeline: TimelineID? {
    timelines.filter { !$0.value.runs.isEmpty || !$0.value.partials.isEmpty }.keys.max()
  }
}

extension WALArchive {
  /// Segments are uploaded side by side, so that a later one may be there before an earlier one: so many at the end are
  /// looked at again. Many times the uploads that a receiver has under way.
  private static var settling: UInt64 { 64 }

  /// Lists the archive. With `previous`, only its end and what came after it is listed: one page a timeline as a rule.
  ///
  /// A segment is only ever added near a timeline's end, and removed at its beginning (`WALExpiry`): one request more
  /// finds the first that is left.
  public func inventory(since previous: WALInventory = WALInventory()) async throws -> WALInventory {
    var inventory = WALInventory()
    for prefix in try await store.commonPrefixes(prefix: DatabaseLayout.wal(incarnation), delimiter: "/") {
      guard let number = UInt32(String(prefix.dropLast()).lastComponent, radix: 16) else { continue }
      let timeline = TimelineID(number)
      inventory.timelines[timeline] = try await list(timeline, since: previous.timelines[timeline] ?? .init())
    }
    inventory.gaps = try await gaps()
    return inventory
  }

  private func list(_ timeline: TimelineID, since previous: WALInventory.Timeline) async throws -> WALInventory.Timeline
  {
    var listed = previous
    let prefix = DatabaseLayout.timeline(incarnation, timeline)
    if listed.lastWhole != nil {
      var first = store.list(prefix: prefix).makeAsyncIterator()
      guard let object = try await first.next() else { return WALInventory.Timeline() }
      if let number = segmentNumber(object.key) { listed.keep(from: number) }
    }
    let last = previous.lastWhole ?? 0
    listed.keep(upTo: last > Self.settling ? last - Self.settling : 0)
    let end = listed.lastWhole
    let startAfter = end.map {
      DatabaseLayout.segment(incarnation, WALSegmentName(timeline: timeline, number: $0, size: segmentSize))
    }
    listed.partials.removeAll { partial in end.map { partial.segment.number > $0 } ?? true }
    var seen: [PartialSegmentName] = []
    for try await object in store.list(prefix: prefix, startAfter: startAfter) {
      let name = object.key.lastComponent
      if let whole = WALSegmentName(name, size: segmentSize) {
        listed.addWhole(whole.number)
        // Of a whole segment, parts may be left that a receiver had no time to remove.
        seen.removeAll { $0.segment == whole }
      } else if let partial = PartialSegmentName(name, size: segmentSize), !listed.contains(partial.segment.number) {
        seen.append(partial)
      }
    }
    listed.partials += seen
    return listed
  }

  /// The number of the segment that an object of a timeline is, or is a part of.
  func segmentNumber(_ key: String) -> UInt64? {
    WALSegmentName(key.lastComponent.prefix(24), size: segmentSize)?.number
  }
}
