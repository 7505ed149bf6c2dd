import NIOCore

/// The way of received bytes into the archive: the segment at hand, its records, and the jobs of storing it.
///
/// Memory: the segment at hand, and at most as many segments as there are upload slots, each raw and compressed.
actor WALPipeline {
  /// Something to be stored, with its bytes.
  struct Upload: Sendable {
    let job: WALReceiverState.Job
    let bytes: ByteBuffer
    let commits: CommitSummary
  }

  private var state: WALReceiverState
  private var reader: WALRecordReader
  private var commits: CommitSummary
  private var bytes: ByteBuffer
  private let archive: WALArchive
  private let clock = ContinuousClock()
  private var unstoredSince: ContinuousClock.Instant?
  private var pending: [(end: LSN, since: ContinuousClock.Instant?, commit: PostgresTime?)] = []
  private(set) var lastCommitTime: PostgresTime?
  private(set) var lastSegment: WALSegmentName?

  /// Begins at the end of `beginning` (of the segment that holds it). `reader` has read everything before it.
  init(
    archive: WALArchive, state: WALReceiverState, reader: WALRecordReader, commits: CommitSummary, bytes: ByteBuffer
  ) {
    self.archive = archive
    (self.state, self.reader, self.commits, self.bytes) = (state, reader, commits, bytes)
    lastCommitTime = commits.latestSoFar?.time
  }

  var timeline: TimelineID { state.timeline }
  var received: LSN { state.received }
  var durable: LSN { state.durable }

  /// How long the oldest byte that is not durable has been here.
  var oldestWait: Duration {
    guard let oldest = pending.first?.since ?? unstoredSince else { return .zero }
    return clock.now - oldest
  }

  /// Takes bytes that follow those taken before, and returns the segments that they filled.
  func take(start: LSN, _ piece: ByteBuffer) throws -> [Upload] {
    var (rest, next, uploads): (ByteBuffer, LSN, [Upload]) = (piece, start, [])
    while rest.readableBytes > 0 {
      let count = try state.accept(start: next, count: rest.readableBytes)
      guard let slice = rest.readSlice(length: count) else { break }
      next = next + UInt64(count)
      for record in try reader.feed(slice) { commits.add(record) }
      commits.endOfLastRecord = reader.endOfLastRecord ?? commits.endOfLastRecord
      if bytes.capacity < Int(archive.segmentSize.bytes) { bytes.reserveCapacity(Int(archive.segmentSize.bytes)) }
      bytes.writeImmutableBuffer(slice)
      if unstoredSince == nil { unstoredSince = clock.now }
      guard let job = state.append(count) else { continue }
      uploads.append(Upload(job: job, bytes: bytes, commits: commits))
      note(job)
      commits = commits.following()
      bytes = ByteBufferAllocator().buffer(capacity: Int(archive.segmentSize.bytes))
      unstoredSince = nil
    }
    return uploads
  }

  /// What is to be stored of the segment at hand, when it holds bytes that are older than `age` and in no job.
  func partial(olderThan age: Duration) -> Upload? {
    guard let unstoredSince, clock.now - unstoredSince >= age else { return nil }
    guard let job = state.makePartial(), case .partial(let name) = job.work else { return nil }
    note(job)
    self.unstoredSince = nil
    // A copy: a slice would share the segment's memory, and the next byte would copy all of it.
    let count = Int(name.to - name.from)
    var part = ByteBufferAllocator().buffer(capacity: count)
    if let view = bytes.viewBytes(at: Int(name.from), length: count) { part.writeBytes(view) }
    return Upload(job: job, bytes: part, commits: commits)
  }

  /// Stores it. Returns when it is durable.
  nonisolated func store(_ upload: Upload) async throws {
    switch upload.job.work {
    case .segment(let name): try await archive.putSegment(name, upload.bytes, commits: upload.commits)
    case .partial(let name): try await archive.putPartial(name, upload.bytes, commits: upload.commits)
    }
  }

  /// An upload is done; removes the partials that are not needed any more.
  func finish(_ upload: Upload) async throws {
    let progress = state.finish(upload.job.id)
    if case .segment(let name) = upload.job.work { lastSegment = max(lastSegment ?? name, name) }
    while let first = pending.first, first.end <= progress.durable {
      if let commit = first.commit { lastCommitTime = max(lastCommitTime ?? commit, commit) }
      pending.removeFirst()
    }
    if !progress.removable.isEmpty { try await archive.deletePartials(progress.removable) }
  }

  private func note(_ job: WALReceiverState.Job) {
    pending.append((job.end, unstoredSince, commits.latestSoFar?.time))
  }
}
