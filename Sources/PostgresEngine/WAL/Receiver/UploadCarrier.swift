import Logging
import ObjectStore
import Synchronization

/// Carries one upload through: tries until the store has it, then confirms to the server what became durable.
struct UploadCarrier: Sendable {
  let receiver: WALReceiver
  let pipeline: WALPipeline
  let flushing: ReceiverFlush

  /// Holds a slot of `receiver.slots`, which is given back at the end.
  func carry(_ upload: WALPipeline.Upload) async throws {
    defer { receiver.slots.release() }
    do {
      try await store(upload)
    } catch {
      if !(error is CancellationError) { receiver.failure.withLock { $0 = $0 ?? error } }
      throw error
    }
    try await flushing.confirm()
  }

  private func store(_ upload: WALPipeline.Upload) async throws {
    var delay = Duration.milliseconds(200)
    while true {
      do {
        try await pipeline.store(upload)
        break
      } catch let error as ObjectStoreError where error.isWorthRetrying {
        receiver.report.retrying("storing WAL: \(error)")
        receiver.logger.warning("storing WAL failed, trying again", metadata: ["reason": "\(error)"])
        try await Task.sleep(for: delay)
        delay = min(delay * 2, .seconds(10))
      }
    }
    do {
      try await pipeline.finish(upload)
    } catch let error as ObjectStoreError where error.isWorthRetrying {
      // Only the removal of partials that nobody needs: they do no harm.
      receiver.logger.warning("removing old partials failed", metadata: ["reason": "\(error)"])
    }
  }
}
