import NIOCore

extension WALPipeline {
  /// A pipeline that goes on where the archive ends, or begins with a segment of a timeline.
  ///
  /// `end` is the position of the next byte. What the archive holds of its segment is read back, and so is the segment
  /// before it, for the record that crosses the boundary.
  static func begin(
    archive: WALArchive, timeline: TimelineID, end: LSN, history: TimelineHistory, previous: CommitSummary?
  ) async throws -> WALPipeline {
    let size = archive.segmentSize
    let segment = WALSegmentName(timeline: timeline, containing: end, size: size)
    let before = try await precedingSegment(segment, in: archive, history)
    var commits = (before?.commits ?? previous ?? CommitSummary()).following()
    commits.tablespacesSoFar = before?.commits.tablespacesSoFar ?? CommitSummary.Tablespaces(since: segment.start)
    var reader: WALRecordReader
    if let before {
      reader = WALRecordReader(start: LSN(segment.start.bytes - size.bytes), segmentSize: size)
      _ = try reader.feed(before.bytes)
    } else {
      reader = WALRecordReader(start: segment.start, segmentSize: size)
    }
    var (bytes, parts) = (ByteBufferAllocator().buffer(capacity: Int(size.bytes)), [PartialSegmentName]())
    if end > segment.start {
      guard let beginning = try await archive.beginning(of: segment),
        beginning.bytes.readableBytes == end - segment.start
      else {
        throw WALError(
          .archiveIncomplete, "the parts of \(segment) do not reach \(end) any more; another receiver runs")
      }
      for record in try reader.feed(beginning.bytes) { commits.add(record) }
      commits.endOfLastRecord = reader.endOfLastRecord
      bytes.writeImmutableBuffer(beginning.bytes)
      parts = beginning.parts
    }
    return WALPipeline(
      archive: archive,
      state: WALReceiverState(timeline: timeline, end: end, parts: parts, segmentSize: size),
      reader: reader, commits: commits, bytes: bytes)
  }

  /// The whole segment before `segment` on the way to its timeline, with its commits; nil when it is not stored.
  private static func precedingSegment(
    _ segment: WALSegmentName, in archive: WALArchive, _ history: TimelineHistory
  ) async throws -> (bytes: ByteBuffer, commits: CommitSummary)? {
    guard segment.number > 0 else { return nil }
    let ancestors = history.ancestors.map(\.timeline).filter { $0 < segment.timeline }
    for timeline in [segment.timeline] + ancestors.reversed() {
      let name = WALSegmentName(timeline: timeline, number: segment.number - 1, size: segment.size)
      guard let commits = try await archive.commits(name), let bytes = try await archive.segment(name) else { continue }
      return (bytes, commits)
    }
    return nil
  }
}

extension WALArchive {
  /// Where the archive ends, and what was committed up to there; nil when it holds no WAL.
  ///
  /// `begin` says for a timeline where its log must begin at the latest, where that is known.
  func end(
    from begin: (timeline: TimelineID, at: LSN)? = nil
  ) async throws -> (end: ArchiveEnd, commits: CommitSummary?)? {
    let inventory = try await inventory()
    guard let timeline = inventory.newestTimeline, let stored = inventory.timelines[timeline] else { return nil }
    let first = begin.flatMap { $0.timeline == timeline ? $0.at : nil }
    guard let end = stored.end(from: first, gaps: inventory.gaps, segmentSize) else { return nil }
    return (ArchiveEnd(timeline: timeline, end: end), try await commits(upTo: end, on: timeline))
  }

  private func commits(upTo end: LSN, on timeline: TimelineID) async throws -> CommitSummary? {
    guard end > LSN(0) else { return nil }
    let name = WALSegmentName(timeline: timeline, containing: LSN(end.bytes - 1), size: segmentSize)
    if end == name.end, let commits = try await commits(name) { return commits }
    return try await commitsOfBeginning(of: name)
  }
}
