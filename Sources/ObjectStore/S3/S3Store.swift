internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// A bucket of an S3-compatible service as an object store.
///
/// - Every request is signed (Signature Version 4) with the SHA-256 of its body, which the server checks.
/// - Objects that are put in one request carry their SHA-256 in `x-amz-meta-sha256`; reading such an object whole
///   verifies it. Ranges and multipart objects are verified by length only: who reads parts has checksums of his own.
/// - What fails of the network or of an overloaded server is tried again with jittered backoff (`RetryPolicy`). A
///   conditional put whose answer was lost is told apart from one that lost the race, by a mark in its metadata.
/// - At most `maximumConnections` requests are under way; all else waits.
///
/// Call `shutdown()` when it is no longer needed.
public final class S3Store: ObjectStore {
  let transport: S3Transport
  var configuration: S3Configuration { transport.configuration }

  /// Digest of the content, in hexadecimal.
  static let digestHeader = "x-amz-meta-sha256"
  /// Tells one put from another.
  static let markHeader = "x-amz-meta-put-mark"

  /// A store; nothing is connected yet. Throws when the file of certificate authorities cannot be read.
  public init(configuration: S3Configuration, credentials: any S3CredentialProvider) throws {
    transport = try S3Transport(configuration, credentials: credentials)
  }

  /// Closes the connections. Operations that are under way fail.
  public func shutdown() async {
    // It can only fail by having been called before.
    try? await transport.shutdown()
  }

  public func head(_ key: String) async throws -> ObjectInfo {
    try ObjectKeyRules.check(key, operation: "head")
    return try await headers(of: key, operation: "head").info
  }

  /// What the server tells about an object, with its metadata.
  func headers(of key: String, operation: String) async throws -> (info: ObjectInfo, headers: HTTPHeaders) {
    let answer = try await transport.document(S3Request(operation, .HEAD, key: key))
    guard let size = answer.headers.first(name: "content-length").flatMap({ Int64($0) }) else {
      throw ObjectStoreError(.server, operation: operation, key: key, message: "the server did not tell the size")
    }
    return (Self.info(key, size, answer.headers), answer.headers)
  }

  static func info(_ key: String, _ size: Int64, _ headers: HTTPHeaders) -> ObjectInfo {
    ObjectInfo(
      key: key, size: size, etag: headers.first(name: "etag"),
      lastModified: headers.first(name: "last-modified").flatMap { UnixTime(httpDate: $0) })
  }
}
