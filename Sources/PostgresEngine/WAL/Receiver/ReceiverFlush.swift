/// What happens by the clock: partials are stored, the server is told how far we are, the status is reported.
///
/// Independent of the task that reads from the server, which waits while all upload slots are taken: the server must
/// hear of us meanwhile, or it ends the connection (`wal_sender_timeout`).
actor ReceiverFlush {
  private let receiver: WALReceiver
  private var pipeline: WALPipeline?
  private var stream: WALStream?
  private var confirmed: LSN?
  private var lastSent = ContinuousClock.now
  private let clock = ContinuousClock()

  /// A status is sent at least this often, whatever happens.
  private static let statusInterval = Duration.seconds(3)

  init(receiver: WALReceiver) { self.receiver = receiver }

  func streaming(_ pipeline: WALPipeline, _ stream: WALStream) {
    (self.pipeline, self.stream, confirmed) = (pipeline, stream, nil)
  }

  func disconnected() { stream = nil }

  /// Runs until cancelled. Storing may wait long for a store that is away; telling the server must not.
  nonisolated func run() async throws {
    let interval = receiver.configuration.flushInterval
    let step = min(max(interval / 8, .milliseconds(10)), .milliseconds(500))
    try await withThrowingTaskGroup { group in
      group.addTask {
        while true {
          try await Task.sleep(for: step)
          try await self.storePartial(olderThan: interval - step)
        }
      }
      group.addTask {
        while true {
          try await Task.sleep(for: step)
          try await self.confirmIfDue()
        }
      }
      try await group.waitForAll()
    }
  }

  private func confirmIfDue() async throws {
    guard let pipeline else { return }
    let durable = await pipeline.durable
    if confirmed != durable || clock.now - lastSent > Self.statusInterval {
      try await confirm()
    } else {
      await receiver.report.positions(of: pipeline)
    }
  }

  /// Stores what is new in the segment at hand if it has waited for so long and an upload slot is free.
  private func storePartial(olderThan age: Duration) async throws {
    guard let pipeline, receiver.slots.tryAcquire() else { return }
    guard let upload = await pipeline.partial(olderThan: age) else { return receiver.slots.release() }
    try await UploadCarrier(receiver: receiver, pipeline: pipeline, flushing: self).carry(upload)
  }

  /// Stores what is left of the segment at hand.
  func storeRest() async throws {
    // A part that is being stored already has to be durable first.
    try await receiver.slots.drain()
    guard let pipeline else { return }
    try await receiver.slots.acquire()
    guard let upload = await pipeline.partial(olderThan: .zero) else { return receiver.slots.release() }
    try await UploadCarrier(receiver: receiver, pipeline: pipeline, flushing: self).carry(upload)
  }

  /// Tells the server what is durable.
  func confirm() async throws {
    guard let pipeline else { return }
    let (written, flushed) = (await pipeline.received, await pipeline.durable)
    await receiver.report.positions(of: pipeline)
    guard let stream else { return }
    do {
      try await stream.send(StandbyStatus(written: written, flushed: flushed))
      (confirmed, lastSent) = (flushed, clock.now)
    } catch is PostgresError {
      // Whoever reads from the connection learns of it too, and makes a new one.
      self.stream = nil
    }
  }
}
