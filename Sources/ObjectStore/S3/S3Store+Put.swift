internal import AsyncHTTPClient
public import NIOCore
internal import NIOHTTP1

extension S3Store {
  @discardableResult
  public func put(_ key: String, _ body: ByteBuffer, condition: PutCondition) async throws -> ObjectInfo {
    try await put(key, body, sha256: ContentSHA256(of: body), condition: condition)
  }

  @discardableResult
  public func put(
    _ key: String, _ body: ByteBuffer, sha256: ContentSHA256, condition: PutCondition
  ) async throws -> ObjectInfo {
    try ObjectKeyRules.check(key, operation: "put")
    let mark = PutMark(condition)
    let request = S3Request("put", .PUT, key: key)
      .with(body: body, sha256: sha256)
      .with(header: Self.digestHeader, sha256.description)
      .with(header: Self.markHeader, mark.value)
      .with(header: "if-none-match", mark.ifNoneMatch)
    var course = S3Transport.Course(configuration.retry)
    do {
      let answer = try await transport.document(request, course: &course)
      return Self.info(key, Int64(body.readableBytes), answer.headers)
    } catch let error as ObjectStoreError where error.code == .alreadyExists && course.mayHaveHappened {
      // An earlier attempt of ours, whose answer was lost, may be what is there.
      guard let found = try await own(key, mark) else { throw error }
      return found
    }
  }

  /// The object under `key` when it is the one that carries `mark`.
  func own(_ key: String, _ mark: PutMark) async throws -> ObjectInfo? {
    do {
      let (info, headers) = try await headers(of: key, operation: "put")
      return mark.value != nil && headers.first(name: Self.markHeader) == mark.value ? info : nil
    } catch let error as ObjectStoreError where error.code == .notFound {
      return nil
    }
  }
}

/// Marks a conditional put, so that its object can be known again.
enum PutMark: Sendable {
  case unconditional
  case conditional(String)

  init(_ condition: PutCondition) {
    switch condition {
    case .always: self = .unconditional
    case .ifAbsent: self = .conditional(String(UInt64.random(in: .min ... .max), radix: 36))
    }
  }

  var value: String? {
    switch self {
    case .unconditional: nil
    case .conditional(let value): value
    }
  }

  /// The value of the If-None-Match header.
  var ifNoneMatch: String? { value == nil ? nil : "*" }
}
