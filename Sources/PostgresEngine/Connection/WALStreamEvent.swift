public import NIOCore

/// What a stream of WAL brings.
public enum WALStreamEvent: Sendable {
  /// WAL as it was written: `bytes` begins at `start`. `serverEnd` is how far the server's WAL goes, `serverTime` when
  /// the server sent this.
  case data(start: LSN, bytes: ByteBuffer, serverEnd: LSN, serverTime: PostgresTime)
  /// The server is alive. Where `replyRequested`, it waits for a status, and ends the connection without one.
  case keepalive(serverEnd: LSN, serverTime: PostgresTime, replyRequested: Bool)
  /// The timeline ended at `at`, where `next` begins. The connection is free for the next command. Last event.
  case timelineEnded(next: TimelineID, at: LSN)
  /// The server has sent all it will, as it shuts down, or was asked to by ``WALStream/finish()``. Last event.
  case finished
}

/// How far the receiver is, for the server. What is `flushed` is durable: the server may remove its own copy.
public struct StandbyStatus: Sendable, Equatable {
  /// Received, perhaps only in memory.
  public var written: LSN
  /// Durable. A slot's restart point follows it.
  public var flushed: LSN
  /// Replayed; a receiver that replays nothing leaves it at zero.
  public var applied: LSN
  /// Whether the server shall answer with a keepalive at once.
  public var reply: Reply

  /// Whether an answer is wanted.
  public enum Reply: UInt8, Sendable { case notNeeded, requested }

  public init(written: LSN, flushed: LSN, applied: LSN = LSN(0), reply: Reply = .notNeeded) {
    (self.written, self.flushed, self.applied, self.reply) = (written, flushed, applied, reply)
  }
}

extension WALStreamEvent {
  /// Reads a CopyData message of the walsender; nil for one that is neither XLogData nor a primary keepalive.
  init?(_ message: ByteBuffer) {
    var message = message
    switch message.readInteger(as: UInt8.self) {
    case UInt8(ascii: "w"):
      guard let (start, end, time) = message.readMultipleIntegers(as: (UInt64, UInt64, Int64).self) else { return nil }
      self = .data(
        start: LSN(start), bytes: message.slice(), serverEnd: LSN(end), serverTime: PostgresTime(microseconds: time))
    case UInt8(ascii: "k"):
      guard let (end, time, reply) = message.readMultipleIntegers(as: (UInt64, Int64, UInt8).self) else { return nil }
      self = .keepalive(
        serverEnd: LSN(end), serverTime: PostgresTime(microseconds: time), replyRequested: reply != 0)
    default: return nil
    }
  }
}

extension StandbyStatus {
  /// The CopyData message: 'r', three positions, the client's clock, whether to answer.
  func message(at time: PostgresTime) -> ByteBuffer {
    var message = ByteBuffer()
    message.writeInteger(UInt8(ascii: "r"))
    message.writeMultipleIntegers(written.bytes, flushed.bytes, applied.bytes, time.microseconds, reply.rawValue)
    return message
  }
}
