import HTTPTypes
import Hummingbird
import NIOCore

extension Request {
  /// The whole body, which is at most `limit` bytes long and has arrived within `deadline`; 413 and 400 otherwise.
  ///
  /// The deadline is for the whole body: who sends one byte now and then holds a connection no longer than that.
  func collected(limit: Int, deadline: Duration) async throws -> ByteBuffer {
    if let length = headers[.contentLength].flatMap({ Int($0) }), length > limit { throw FacadeError.tooLarge(limit) }
    let body = body
    return try await withDeadline(deadline) {
      var whole = ByteBuffer()
      for try await part in body {
        guard whole.readableBytes + part.readableBytes <= limit else { throw FacadeError.tooLarge(limit) }
        whole.writeImmutableBuffer(part)
      }
      return whole
    }
  }
}

extension FacadeError {
  /// A 413.
  static func tooLarge(_ limit: Int) -> FacadeError {
    FacadeError(.payloadTooLarge, "the body is larger than \(limit) bytes, the most that this call takes")
  }
}

/// What `body` returns, if it does so in time; a 400 about a slow body otherwise.
private func withDeadline<Value: Sendable>(
  _ deadline: Duration, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
  try await withThrowingTaskGroup(of: Value.self) { group in
    group.addTask { try await body() }
    group.addTask {
      try await Task.sleep(for: deadline)
      throw FacadeError(.badRequest, "the body did not arrive within \(deadline.components.seconds) s; send it again")
    }
    defer { group.cancelAll() }
    guard let value = try await group.next() else { throw CancellationError() }
    return value
  }
}
