import HTTPTypes
import Hummingbird
import NIOCore

extension Request {
  /// The whole body, which is at most `limit` bytes long and has arrived within `deadline`; 413 and 400 otherwise.
  ///
  /// The deadline is for the whole body: who sends one byte now and then holds a connection no longer than that.
  ///
  /// What is somewhat too large is read to its end, and dropped: many clients send all before they look for an answer,
  /// and would see a connection that breaks in place of the 413.
  func collected(limit: Int, deadline: Duration) async throws -> ByteBuffer {
    let announced = headers[.contentLength].flatMap { Int($0) } ?? 0
    let isTooLarge = announced > limit
    let most = limit + RefusedBody.bytes
    guard announced <= most else { throw FacadeError.tooLarge(limit) }
    let body = body
    return try await withDeadline(
      isTooLarge ? min(deadline, RefusedBody.time) : deadline, or: isTooLarge ? .tooLarge(limit) : .late(deadline)
    ) {
      var (whole, size) = (ByteBuffer(), 0)
      for try await part in body {
        size += part.readableBytes
        guard size <= most else { break }
        if isTooLarge || size > limit { whole = ByteBuffer() } else { whole.writeImmutableBuffer(part) }
      }
      guard !isTooLarge, size <= limit else { throw FacadeError.tooLarge(limit) }
      return whole
    }
  }
}

/// How much is read of a body that is refused.
private enum RefusedBody {
  /// Past the limit.
  static let bytes = 16 << 20
  /// Where the body says that it is too large.
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

/// What `body` returns, if it does so in time; the error otherwise.
private func withDeadline<Value: Sendable>(
  _ deadline: Duration, or late: FacadeError, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
  try await withThrowingTaskGroup(of: Value.self) { group in
    group.addTask { try await body() }
    group.addTask {
      try await Task.sleep(for: deadline)
      throw late
    }
    defer { group.cancelAll() }
    guard let value = try await group.next() else { throw CancellationError() }
    return value
  }
}
