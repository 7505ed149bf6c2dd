import NIOCore
import ObjectStore
import Synchronization

/// WAL as the server streams it, in both directions.
///
/// One task reads ``next()``; any task may ``send(_:)``. At most the read-ahead that was asked for lies unread: past it
/// the server waits. After the last event (``WALStreamEvent/timelineEnded(next:at:)`` or ``WALStreamEvent/finished``)
/// the connection takes the next command. A stream that is dropped before that gives its connection up.
public final class WALStream: Sendable {
  private struct State {
    var unread = ArraySlice<CommandItem>()
    var ended = false
  }

  private let channel: CommandChannel
  private let state = Mutex(State())

  init(_ channel: CommandChannel) { self.channel = channel }

  deinit {
    if state.withLock({ !$0.ended }) { channel.ask(.abandon) }
  }

  /// The next event. Throws ``PostgresError`` (`walRemoved`, `slotInUse`, `slotMissing`, `connectionLost`…) and
  /// `CancellationError`; past the last event, `finished` again.
  public func next() async throws -> WALStreamEvent {
    var switchpoint: WALStreamEvent?
    while true {
      switch try await nextItem() {
      case .data(let message):
        guard let event = WALStreamEvent(message) else {
          throw PostgresError(.protocolViolation, "the server sent a replication message of an unknown kind")
        }
        return event
      case .result(let result):
        if let next = result.rows.first.flatMap(Self.timelineSwitch) { switchpoint = next }
      case .copyBegan, .notice: continue
      case nil:
        state.withLock { $0.ended = true }
        return switchpoint ?? .finished
      }
    }
  }

  /// Tells the server how far we are.
  public func send(_ status: StandbyStatus) async throws {
    try await channel.send(status.message(at: .now))
  }

  /// Asks the server to stop. Events go on until ``WALStreamEvent/finished``.
  public func finish() { channel.ask(.endCopy) }

  private func nextItem() async throws -> CommandItem? {
    if let item = state.withLock({ $0.unread.popFirst() }) { return item }
    if state.withLock({ $0.ended }) { return nil }
    let batch = try await channel.next()
    return state.withLock { state in
      state.unread = batch[...]
      return state.unread.popFirst()
    }
  }

  /// The row with which the server ends the copy of a timeline that has a successor.
  private static func timelineSwitch(_ row: SQLRow) -> WALStreamEvent? {
    guard let timeline = row[0].flatMap({ UInt32($0) }), let at = row[1].flatMap({ LSN($0) }) else { return nil }
    return .timelineEnded(next: TimelineID(timeline), at: at)
  }
}

extension ReplicationConnection {
  /// START_REPLICATION: streams WAL of `timeline` from `start` on, through the slot where one is named.
  ///
  /// `readAhead` bounds the bytes that lie unread (4 MiB unless told otherwise: a quarter of a segment, so that a
  /// pause of the reader does not reach the server at once). Errors of the command arrive at the first
  /// ``WALStream/next()``.
  public func startReplication(
    slot: String?, from start: LSN, timeline: TimelineID, readAhead: Int = 4 << 20
  ) -> WALStream {
    let slotClause = slot.map { "SLOT \(quoted($0)) " } ?? ""
    return WALStream(
      stream(
        "START_REPLICATION \(slotClause)PHYSICAL \(start) TIMELINE \(timeline)", readAhead: readAhead,
        during: "streaming WAL from \(start) on timeline \(timeline)"))
  }
}

extension PostgresTime {
  /// This machine's clock.
  public static var now: PostgresTime {
    let now = UnixTime.now
    return PostgresTime(unixMicroseconds: now.seconds * 1_000_000 + Int64(now.nanoseconds) / 1000)
  }
}
