import HTTPTypes
import Hummingbird
import NIOCore

extension Request {
  /// The whole body, which is at most `limit` bytes long and has arrived within `deadline`; 413 and 400 otherwise.
  ///
  /// The deadline is for the whole body: who sends one byte now and then holds a connection no longer than that.
  ///
  /// What is somewhat too large is read on for a moment, and dropped: many clients send all before they look for an
  /// answer, and would see a connection that breaks in place of the 413.
  func collected(limit: Int, deadline: Duration) async throws -> ByteBuffer {
    let announced = headers[.contentLength].flatMap { Int($0) } ?? 0
    guard announced <= limit + RefusedBody.bytes else { throw FacadeError.tooLarge(limit) }
    let (refusals, refusal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    if announced > limit { refusal.yield() }
    let body = body
    return try await withThrowingTaskGroup(of: ByteBuffer?.self) { group in
      group.addTask { try await Self.whole(body, limit: limit) { refusal.yield() } }
      group.addTask {
        try await Task.sleep(for: deadline)
        throw announced > limit ? FacadeError.tooLarge(limit) : .late(deadline)
      }
      group.addTask {
        for await _ in refusals {
          try await Task.sleep(for: RefusedBody.time)
          throw FacadeError.tooLarge(limit)
        }
        return nil
      }
      defer { group.cancelAll() }
      while let ended = try await group.next() {
        if let ended { return ended }
      }
      throw CancellationError()
    }
  }

  /// The body, which is read on where it is too large, after `refuse` was called.
  private static func whole(
    _ body: RequestBody, limit: Int, refuse: @Sendable () -> Void
  ) async throws -> ByteBuffer {
    var (whole, size) = (ByteBuffer(), 0)
    for try await part in body {
      size += part.readableBytes
      if size <= limit {
        whole.writeImmutableBuffer(part)
      } else {
        whole = ByteBuffer()
        refuse()
        guard size <= limit + RefusedBody.bytes else { break }
      }
    }
    guard size <= limit else { throw FacadeError.tooLarge(limit) }
    return whole
  }
}

/// How much is read of a body that is refused.
private enum RefusedBody {
  /// Past the limit.
  static let bytes = 16 << 20
  /// How long it is read on.
  static let time: Duration = .seconds(2)
}

extension FacadeError {
  /// A 413.
  static func tooLarge(_ limit: Int) -> FacadeError {
    FacadeError(.payloadTooLarge, "the body is larger than \(limit) bytes, the most that this call takes")
  }

  /// A 400 about a slow body.
  fileprivate static func late(_ deadline: Duration) -> FacadeError {
    FacadeError(.badRequest, "the body did not arrive within \(deadline.components.seconds) s; send it again")
  }
}
