import Synchronization

/// Keeps the status together and hands it out, at most once a second while only positions move.
final class ReceiverReport: Sendable {
  private struct State {
    var status: WALReceiverStatus
    var serverEnd = LSN(0)
    var sent: WALReceiverStatus?
    var sentAt = ContinuousClock.now
  }

  private let state: Mutex<State>
  private let onStatus: @Sendable (WALReceiverStatus) -> Void

  init(slot: String, _ onStatus: @escaping @Sendable (WALReceiverStatus) -> Void) {
    state = Mutex(State(status: WALReceiverStatus(slot: slot)))
    self.onStatus = onStatus
  }

  func streaming(incarnation: IncarnationID, timeline: TimelineID) {
    change {
      $0.status.phase = .streaming; $0.status.message = nil; $0.status.incarnation = incarnation;
      $0.status.timeline = timeline
    }
  }

  func retrying(_ message: String) {
    change {
      $0.status.phase = .retrying; $0.status.message = message
    }
  }

  func gap(_ gap: WALGap) { change { $0.status.newGap = gap } }

  func serverEnd(_ lsn: LSN) { state.withLock { $0.serverEnd = max($0.serverEnd, lsn) } }

  func positions(of pipeline: WALPipeline) async {
    let (durable, wait) = (await pipeline.durable, await pipeline.oldestWait)
    let (segment, commit) = (await pipeline.lastSegment, await pipeline.lastCommitTime)
    change { state in
      state.status.lastLSN = durable
      state.status.lastCommitTime = commit
      if let segment { state.status.lastSegment = segment.description }
      state.status.lagBytes = state.serverEnd > durable ? state.serverEnd - durable : 0
      let seconds = Double(wait.components.seconds) + Double(wait.components.attoseconds) / 1e18
      state.status.lagSeconds = state.status.lagBytes == 0 ? 0 : seconds
    }
  }

  private func change(_ body: (inout State) -> Void) {
    let due = state.withLock { state -> WALReceiverStatus? in
      body(&state)
      let now = ContinuousClock.now
      guard state.status != state.sent else { return nil }
      let isUrgent =
        state.status.phase != state.sent?.phase || state.status.newGap != state.sent?.newGap
        || state.status.timeline != state.sent?.timeline || state.status.message != state.sent?.message
      guard isUrgent || now - state.sentAt >= .seconds(1) else { return nil }
      (state.sent, state.sentAt) = (state.status, now)
      return state.status
    }
    if let due { onStatus(due) }
  }
}
