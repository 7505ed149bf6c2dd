internal import NIOCore
internal import NIOHTTP1

/// One request to the service, before it is signed.
struct S3Request: Sendable {
  /// `put`, `get`, …, for errors.
  let operation: String
  let method: HTTPMethod
  /// Nil: the bucket itself.
  let key: String?
  var query: [(name: String, value: String)] = []
  /// Beside those that every request has; all are signed.
  var headers: [(name: String, value: String)] = []
  var body = ByteBuffer()
  /// Of `body`; nil: not computed yet.
  var sha256: ContentSHA256?

  init(
    _ operation: String, _ method: HTTPMethod, key: String? = nil, query: [(name: String, value: String)] = [],
    headers: [(name: String, value: String)] = []
  ) {
    self.operation = operation
    self.method = method
    self.key = key
    self.query = query
    self.headers = headers
  }

  /// With a body that must arrive as it is.
  func with(body: ByteBuffer, sha256: ContentSHA256? = nil) -> S3Request {
    var request = self
    request.body = body
    request.sha256 = sha256 ?? ContentSHA256(of: body)
    return request
  }

  /// With one more header.
  func with(header name: String, _ value: String?) -> S3Request {
    guard let value else { return self }
    var request = self
    request.headers.append((name, value))
    return request
  }
}

/// Why an attempt failed, and what may help.
struct S3Failure: Error {
  enum Remedy: Equatable {
    /// Nothing that we could do.
    case none
    /// Time; at least this much, when the server said so.
    case wait(atLeast: Duration?)
    /// Signing with the server's time, which is this.
    case clock(UnixTime)
    /// Other credentials.
    case credentials
  }

  let error: ObjectStoreError
  let remedy: Remedy
  /// Whether the server may have done what was asked all the same.
  let mayHaveHappened: Bool
}
