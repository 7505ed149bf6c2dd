import Logging
import NIOCore
import ObjectStore
import Synchronization

/// A connection to the server, checked to be the archive's, and what it says of itself.
struct ReceiverSession: Sendable {
  let receiver: WALReceiver
  let connection: ReplicationConnection
  let server: SystemIdentification
  let archive: WALArchive
  /// Of the server's timeline.
  let history: TimelineHistory

  private var slot: String { receiver.configuration.slot }

  /// Connects, checks that the server is the archive's, and stores the history files that the archive lacks.
  static func open(_ receiver: WALReceiver) async throws -> ReceiverSession {
    let connection = try await ReplicationConnection.connect(receiver.configuration.connection)
    do {
      let server = try await connection.identifySystem()
      let size = try await connection.walSegmentSize()
      let incarnation = try await receiver.incarnation(server, size, connection.serverVersion)
      let archive = WALArchive(
        store: receiver.store, key: receiver.key, incarnation: incarnation.id, segmentSize: size)
      let history = try await storeHistories(connection, server.timeline, in: archive)
      return ReceiverSession(
        receiver: receiver, connection: connection, server: server, archive: archive, history: history)
    } catch {
      await connection.close()
      throw error
    }
  }

  /// The pipeline that goes on where the archive ends, wherever that is for this server.
  func beginAtArchiveEnd() async throws -> WALPipeline {
    let end = try await archive.end(from: try await confirmedStart())
    let decision = WALStart.decide(
      archive: end?.end, server: server.timeline, flushed: server.flushLSN, history: history)
    switch decision {
    case .resume(let timeline, let lsn):
      try await ensureSlot()
      return try await begin(timeline, end: lsn, previous: end?.commits)
    case .fork(let timeline, let lsn):
      try await ensureSlot()
      return try await begin(timeline, end: archive.segmentSize.start(of: lsn), previous: end?.commits)
    case .first:
      let (timeline, lsn) = try await reservedStart()
      return try await begin(timeline, end: lsn, previous: nil)
    case .unrelated:
      let text =
        "the server's timeline \(server.timeline) did not come from timeline \(end?.end.timeline ?? server.timeline)"
      return try await skip(from: end?.end, commits: end?.commits, .timelineUnrelated, text)
    case .behind:
      throw WALError(
        .serverBehindArchive,
        "the archive of incarnation \(archive.incarnation) reaches \(end?.end.end ?? LSN(0)) on timeline "
          + "\(end?.end.timeline ?? server.timeline), but the server's WAL ends at \(server.flushLSN) on timeline "
          + "\(server.timeline): it was put back to an earlier state, or is an old primary. Archive it to an "
          + "incarnation of its own")
    }
  }

  /// Goes on with what an earlier connection had received.
  func resume(_ pipeline: WALPipeline) async throws -> WALPipeline {
    let position = ArchiveEnd(timeline: await pipeline.timeline, end: await pipeline.received)
    let decision = WALStart.decide(
      archive: position, server: server.timeline, flushed: server.flushLSN, history: history)
    if case .resume = decision {
      try await ensureSlot()
      return pipeline
    }
    // The server's life went another way; what is durable decides.
    try await receiver.slots.drain()
    return try await beginAtArchiveEnd()
  }

  /// The first segment of a timeline that begins at `lsn`.
  func begin(_ timeline: TimelineID, at lsn: LSN) async throws -> WALPipeline {
    _ = try await Self.storeHistories(connection, timeline, in: archive)
    let commits = try await archive.end()?.commits
    return try await begin(timeline, end: archive.segmentSize.start(of: lsn), previous: commits)
  }

  /// After the server refused to stream: makes a new slot where it is gone, and where the WAL is gone too, records the
  /// gap and begins behind it.
  func mend(_ pipeline: WALPipeline, after error: PostgresError) async throws -> WALPipeline {
    receiver.logger.warning("the server cannot stream from where the archive ends", metadata: ["reason": "\(error)"])
    switch error.code {
    case .slotMissing:
      try await connection.createSlotUnlessThere(slot)
      if await canStream(pipeline) { return pipeline }
      return try await skip(pipeline, .slotMissing, error.description)
    case .slotUnusable:
      try await connection.dropSlot(slot)
      try await connection.createSlotUnlessThere(slot)
      if await canStream(pipeline) { return pipeline }
      return try await skip(pipeline, .slotInvalidated, error.description)
    default:
      // A slot that was made just now kept nothing of what was missed without it.
      try await ensureSlot()
      return try await skip(pipeline, receiver.lostSlot.withLock { $0 } ?? .walRemoved, error.description)
    }
  }

  // MARK: Pieces

  private func begin(_ timeline: TimelineID, end: LSN, previous: CommitSummary?) async throws -> WALPipeline {
    let ancestry = try await archive.history(timeline) ?? TimelineHistory(timeline: timeline)
    receiver.logger.info("streaming WAL", metadata: ["timeline": "\(timeline)", "from": "\(end)"])
    return try await WALPipeline.begin(
      archive: archive, timeline: timeline, end: end, history: ancestry, previous: previous)
  }

  /// Makes the slot where there is none, and anew where it keeps nothing: the server has given up its log then
  /// (`max_slot_wal_keep_size`), and would from 16 on not keep any for it again.
  private func ensureSlot() async throws {
    let present = try await connection.readSlot(slot)
    guard present?.restartLSN == nil else { return }
    if present != nil { try await connection.dropSlot(slot) }
    try await connection.createSlotUnlessThere(slot)
    receiver.lostSlot.withLock { $0 = present == nil ? .slotMissing : .slotInvalidated }
  }

  /// Where the archive of the server's timeline must begin at the latest: at what the slot keeps, as nothing behind that
  /// was ever confirmed. nil where there is no slot that could say so.
  private func confirmedStart() async throws -> (timeline: TimelineID, at: LSN)? {
    guard let lsn = try await connection.readSlot(slot)?.restartLSN else { return nil }
    return (server.timeline, archive.segmentSize.start(of: max(lsn, history.ancestors.last?.end ?? LSN(0))))
  }

  /// Where the slot keeps WAL from, at the start of a segment; the slot is made where there is none.
  ///
  /// Never on an older timeline than the server's: right after a promotion the slot's position may still lie on the one
  /// before, whose WAL is another incarnation's, or of no use without a base backup.
  private func reservedStart() async throws -> (TimelineID, LSN) {
    try await ensureSlot()
    let lsn = try await connection.readSlot(slot)?.restartLSN ?? server.flushLSN
    let fork = history.ancestors.last?.end ?? LSN(0)
    return (server.timeline, archive.segmentSize.start(of: max(lsn, fork)))
  }

  /// Whether the server still has the WAL that comes next.
  private func canStream(_ pipeline: WALPipeline) async -> Bool {
    do {
      let probe = try await ReplicationConnection.connect(receiver.configuration.connection)
      let stream = probe.startReplication(
        slot: slot, from: await pipeline.received, timeline: await pipeline.timeline)
      // An idle server would say nothing for long, unless it is asked to.
      try await stream.send(
        StandbyStatus(written: await pipeline.received, flushed: await pipeline.durable, reply: .requested))
      let answer = try? await stream.next()
      await probe.close()
      return answer != nil
    } catch {
      return false
    }
  }

  private func skip(_ pipeline: WALPipeline, _ reason: WALGap.Reason, _ text: String) async throws -> WALPipeline {
    let end = ArchiveEnd(timeline: await pipeline.timeline, end: await pipeline.durable)
    return try await skip(from: end, commits: try await archive.end()?.commits, reason, text)
  }

  private func skip(
    from end: ArchiveEnd?, commits: CommitSummary?, _ reason: WALGap.Reason, _ text: String
  ) async throws -> WALPipeline {
    var (timeline, start) = try await reservedStart()
    if let end, end.timeline == timeline, start <= end.end {
      // The slot claims WAL that the server does not have: only the present is certain.
      (timeline, start) = (
        server.timeline, archive.segmentSize.start(of: try await connection.identifySystem().flushLSN)
      )
    }
    if let end {
      let gap = WALGap(
        fromTimeline: end.timeline, from: end.end, toTimeline: timeline, to: start,
        lastCommitTime: commits?.latestSoFar?.time, reason: reason, message: text, detectedAt: .now)
      try await archive.putGap(gap)
      receiver.logger.error(
        "WAL is lost; a new base backup is needed",
        metadata: ["from": "\(gap.from)", "to": "\(gap.to)", "reason": "\(reason.rawValue)"])
      receiver.report.gap(gap)
    }
    return try await begin(timeline, end: start, previous: commits)
  }

  /// Stores the history files of a timeline and its ancestors, as far as the server has them.
  private static func storeHistories(
    _ connection: ReplicationConnection, _ timeline: TimelineID, in archive: WALArchive
  ) async throws -> TimelineHistory {
    if let stored = try await archive.history(timeline) { return stored }
    let file = try await connection.timelineHistory(timeline)
    let history = try TimelineHistory(timeline: timeline, parsing: file.content)
    for ancestor in history.ancestors where ancestor.timeline.number > 1 {
      guard try await archive.historyFile(ancestor.timeline) == nil,
        let older = try? await connection.timelineHistory(ancestor.timeline)
      else { continue }
      try await archive.putHistory(ancestor.timeline, ByteBuffer(string: older.content))
    }
    try await archive.putHistory(timeline, ByteBuffer(string: file.content))
    return history
  }
}

extension ReplicationConnection {
  func createSlotUnlessThere(_ name: String) async throws {
    do {
      try await createPhysicalSlot(name)
    } catch let error as PostgresError where error.code == .slotExists {
      return
    }
  }
}

extension WALReceiver {
  /// The incarnation to archive to, checked to be this server's; the original server's is created here.
  func incarnation(
    _ server: SystemIdentification, _ size: WALSegmentSize, _ version: PostgresVersion
  ) async throws -> Incarnation {
    let id = configuration.incarnation ?? .root(systemIdentifier: server.systemIdentifier)
    if let present = try await Incarnation.load(id, from: store) {
      return try check(present, server, size)
    }
    guard configuration.incarnation == nil || id == .root(systemIdentifier: server.systemIdentifier) else {
      throw WALError(
        .incarnationUnknown,
        "incarnation '\(id)' has no incarnation.json; whoever made the server writes it before its WAL is archived")
    }
    let others = try await IncarnationTree.load(from: store).incarnations.values
    if let other = others.first(where: { $0.systemIdentifier != String(server.systemIdentifier) }) {
      throw mismatch(other, server)
    }
    let created = Incarnation(
      id: id, timeline: server.timeline, systemIdentifier: server.systemIdentifier, majorVersion: version.major,
      segmentSize: size, createdAt: .now)
    return try check(try await created.create(in: store), server, size)
  }

  private func check(
    _ incarnation: Incarnation, _ server: SystemIdentification, _ size: WALSegmentSize
  ) throws -> Incarnation {
    guard incarnation.systemIdentifier == String(server.systemIdentifier) else { throw mismatch(incarnation, server) }
    guard incarnation.segmentBytes == size.bytes else {
      throw WALError(
        .segmentSizeMismatch,
        "the server has WAL segments of \(size.bytes) bytes, incarnation \(incarnation.id) of "
          + "\(incarnation.segmentBytes): it is not the server that was archived before")
    }
    return incarnation
  }

  private func mismatch(_ incarnation: Incarnation, _ server: SystemIdentification) -> WALError {
    WALError(
      .systemMismatch,
      "the server at \(configuration.connection.endpoint) has the system identifier \(server.systemIdentifier), but the "
        + "archive is of \(incarnation.systemIdentifier) (incarnation \(incarnation.id)). Nothing was written. Point the "
        + "connection at the server that was archived before, or make a new Database for this one")
  }
}
