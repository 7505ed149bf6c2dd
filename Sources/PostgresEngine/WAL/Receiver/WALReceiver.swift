public import Logging
import NIOCore
public import ObjectStore
public import Repository
import Synchronization

/// Streams a server's write-ahead log into the archive until its task is cancelled.
///
/// Guarantees:
/// - A position is confirmed to the server only when every byte up to it is durable in the store, so that whatever
///   dies, the server still has what the archive lacks.
/// - It goes on exactly where the archive ends: after a restart of itself, of the server or of the store nothing is
///   lost and nothing is stored twice. Two receivers side by side cannot spoil an archive.
/// - It follows the server through timeline switches: history file first, then the new timeline.
/// - WAL that the server has no more is recorded as a gap, and streaming goes on behind it; the status says that a new
///   base backup is needed.
///
/// Assumptions: the store keeps its word about `putOnce`; the slot is used by nobody else.
///
/// Memory: one segment being filled and at most `Configuration.uploads` being stored.
public final class WALReceiver: Sendable {
  /// What to stream, and how.
  public struct Configuration: Sendable {
    /// The server, with a role that has REPLICATION.
    public var connection: PostgresConnectionSettings
    /// A physical replication slot; created where there is none.
    public var slot: String
    /// The incarnation to archive to; nil for the original server's, which is created at the first start.
    public var incarnation: IncarnationID?
    /// How long received bytes wait at most before they are stored as a partial, 5 s unless told otherwise.
    public var flushInterval: Duration
    /// Segments that are stored at once, 3 unless told otherwise: enough to compress one while others travel.
    public var uploads: Int

    /// A receiver of `connection`'s WAL by `slot`.
    public init(
      connection: PostgresConnectionSettings, slot: String, incarnation: IncarnationID? = nil,
      flushInterval: Duration = .seconds(5), uploads: Int = 3
    ) {
      (self.connection, self.slot, self.incarnation) = (connection, slot, incarnation)
      (self.flushInterval, self.uploads) = (flushInterval, max(1, uploads))
    }
  }

  let configuration: Configuration
  let store: any ObjectStore
  let key: RepositoryKey
  let logger: Logger
  let report: ReceiverReport
  let slots: UploadSlots
  /// Why the slot had to be made anew; nil as long as it had not.
  let lostSlot = Mutex<WALGap.Reason?>(nil)
  /// What ended an upload for good: the reason why everything else was cancelled.
  let failure = Mutex<(any Error)?>(nil)

  /// A receiver into `store`, which is scoped to the database's prefix. `onStatus` is called whenever something
  /// changed, at most once a second while only positions move.
  public init(
    configuration: Configuration, store: any ObjectStore, key: RepositoryKey, logger: Logger,
    onStatus: @escaping @Sendable (WALReceiverStatus) -> Void = { _ in }
  ) {
    (self.configuration, self.store, self.key, self.logger) = (configuration, store, key, logger)
    report = ReceiverReport(slot: configuration.slot, onStatus)
    slots = UploadSlots(configuration.uploads)
  }

  /// Runs until the task is cancelled (then it throws `CancellationError`) or something fails that trying again
  /// cannot mend: `WALError` (another system, a conflict in the archive), `PostgresError` (credentials, rights),
  /// `ObjectStoreError` (credentials, rights, no bucket).
  public func run() async throws {
    var backoff = ReceiverBackoff()
    while true {
      try Task.checkCancellation()
      let begun = ContinuousClock.now
      do {
        try await life()
      } catch {
        if Task.isCancelled { throw CancellationError() }
        backoff.reset(after: begun.duration(to: .now))
        let error = failure.withLock { $0.take() } ?? error
        guard let delay = backoff.delay(after: error) else { throw error }
        logger.warning("WAL receiver will try again", metadata: ["reason": "\(error)", "after": "\(delay)"])
        report.retrying("\(error)")
        try await Task.sleep(for: delay)
      }
    }
  }

  /// From finding out where the archive ends to whatever makes that doubtful. Uploads live as long as this; the
  /// connection to the server may break and come back meanwhile.
  private func life() async throws {
    try await withThrowingDiscardingTaskGroup { group in
      var session = try await ReceiverSession.open(self)
      do {
        try await live(&session, in: &group)
      } catch {
        await session.connection.close()
        throw error
      }
    }
  }

  private func live(
    _ session: inout ReceiverSession, in group: inout ThrowingDiscardingTaskGroup<any Error>
  ) async throws {
    var pipeline = try await session.beginAtArchiveEnd()
    let flushing = ReceiverFlush(receiver: self)
    group.addTask { try await flushing.run() }
    var backoff = ReceiverBackoff()
    while true {
      let begun = ContinuousClock.now
      do {
        pipeline = try await stream(session, pipeline, flushing, in: &group)
      } catch let error as PostgresError where error.isTransient && !Task.isCancelled {
        // What was received stays here: only the connection is new.
        await flushing.disconnected()
        report.retrying(error.description)
        backoff.reset(after: begun.duration(to: .now))
        session = try await reopen(session, after: error, &backoff)
        pipeline = try await session.resume(pipeline)
      }
    }
  }

  /// Streams one timeline to its end, and returns the pipeline of the next.
  private func stream(
    _ session: ReceiverSession, _ pipeline: WALPipeline, _ flushing: ReceiverFlush,
    in group: inout ThrowingDiscardingTaskGroup<any Error>
  ) async throws -> WALPipeline {
    let stream = session.connection.startReplication(
      slot: configuration.slot, from: await pipeline.received, timeline: await pipeline.timeline)
    await flushing.streaming(pipeline, stream)
    report.streaming(incarnation: session.archive.incarnation, timeline: await pipeline.timeline)
    while true {
      switch try await nextEvent(stream, session, pipeline, flushing) {
      case .event(.data(let start, let bytes, let serverEnd, _)):
        report.serverEnd(serverEnd)
        for upload in try await pipeline.take(start: start, bytes) {
          try await slots.acquire()
          let carrier = UploadCarrier(receiver: self, pipeline: pipeline, flushing: flushing)
          group.addTask { try await carrier.carry(upload) }
        }
      case .event(.keepalive(let serverEnd, _, let isReplyWanted)):
        report.serverEnd(serverEnd)
        if isReplyWanted { try await flushing.confirm() }
      case .event(.timelineEnded(let next, let at)):
        try await flushing.storeRest()
        try await slots.drain()
        await flushing.disconnected()
        logger.info("timeline ended", metadata: ["next": "\(next)", "at": "\(at)"])
        return try await session.begin(next, at: at)
      case .event(.finished):
        throw PostgresError(.connectionLost, "the server ended the WAL stream; it is shutting down")
      case .restarted(let following):
        return following
      }
    }
  }

  private enum StreamStep {
    case event(WALStreamEvent)
    /// The slot or the WAL is gone; what was to be done about it is done.
    case restarted(WALPipeline)
  }

  /// The next event; where the server has no slot or WAL for us any more, that is mended.
  private func nextEvent(
    _ stream: WALStream, _ session: ReceiverSession, _ pipeline: WALPipeline, _ flushing: ReceiverFlush
  ) async throws -> StreamStep {
    do {
      return .event(try await stream.next())
    } catch let error as PostgresError {
      switch error.code {
      case .slotMissing, .slotUnusable, .walRemoved:
        await flushing.disconnected()
        try await flushing.storeRest()
        try await slots.drain()
        return .restarted(try await session.mend(pipeline, after: error))
      default: throw error
      }
    }
  }

  private func reopen(
    _ session: ReceiverSession, after first: PostgresError, _ backoff: inout ReceiverBackoff
  ) async throws -> ReceiverSession {
    await session.connection.close()
    var error = first
    while true {
      guard let delay = backoff.delay(after: error) else { throw error }
      try await Task.sleep(for: delay)
      do {
        return try await ReceiverSession.open(self)
      } catch let next as PostgresError {
        error = next
        report.retrying(next.description)
      }
    }
  }
}
