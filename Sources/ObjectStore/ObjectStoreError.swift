/// Why an operation on a store failed, in a form that both a program and a tired person can act on.
public struct ObjectStoreError: Error, Sendable, Hashable {
  /// The kind of failure. Its raw value is stable: it reaches conditions, events and logs.
  public enum Code: String, Sendable, Hashable, CaseIterable {
    /// No object under the key.
    case notFound = "NotFound"
    /// A put that was to create found an object under the key.
    case alreadyExists = "AlreadyExists"
    /// What must never change is there with other bytes.
    case conflictingContent = "ConflictingContent"
    /// The credentials are good, but do not allow this.
    case accessDenied = "AccessDenied"
    /// The server knows no such access key, or the secret does not fit it.
    case credentialsInvalid = "CredentialsInvalid"
    /// The bucket does not exist.
    case bucketNotFound = "BucketNotFound"
    /// No server answers at the endpoint: name, route, port or a connection that keeps breaking.
    case endpointUnreachable = "EndpointUnreachable"
    /// The server's certificate is not one that we trust, or not for this name.
    case tlsUntrusted = "TLSUntrusted"
    /// The server or the network stood still for longer than the bound.
    case timeout = "Timeout"
    /// Bytes are not those that were stored.
    case corrupted = "Corrupted"
    /// The server asked for fewer requests, and kept asking.
    case throttled = "Throttled"
    /// The server failed, or answered what no server should.
    case server = "ServerError"
    /// The request itself is wrong: key, range, name of a bucket.
    case invalidRequest = "InvalidRequest"
    /// The caller's task was cancelled.
    case cancelled = "Cancelled"
  }

  /// What kind of failure.
  public let code: Code
  /// What was being done: `put`, `get`, `list`, …
  public let operation: String
  /// The object concerned; nil when it was none in particular.
  public let key: String?
  /// What was wrong, what was expected, and what to do next. Never holds a credential.
  public let message: String

  /// A failure of `operation` on `key`.
  public init(_ code: Code, operation: String, key: String? = nil, message: String) {
    self.code = code
    self.operation = operation
    self.key = key
    self.message = message
  }

  /// Whether the same call may succeed later without anybody changing anything.
  public var isWorthRetrying: Bool {
    switch code {
    case .endpointUnreachable, .timeout, .throttled, .server: true
    case .notFound, .alreadyExists, .conflictingContent, .accessDenied, .credentialsInvalid, .bucketNotFound,
      .tlsUntrusted, .corrupted, .invalidRequest, .cancelled:
      false
    }
  }
}

extension ObjectStoreError: CustomStringConvertible {
  /// For example `NotFound: get 'config': there is no such object`.
  public var description: String {
    let subject = key.map { "\(operation) '\($0)'" } ?? operation
    return "\(code.rawValue): \(subject): \(message)"
  }
}
