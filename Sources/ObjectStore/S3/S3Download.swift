internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1

/// The bytes of one object on their way here. When the connection breaks, the rest is asked for from where it broke,
/// provided that the object is still the same.
///
/// For one reader at a time, which is what an `AsyncIteratorProtocol` promises: hence the unchecked `Sendable`.
final class S3Download: @unchecked Sendable {
  private let transport: S3Transport
  private let key: String
  private let range: Range<Int64>?
  private let verification: Verification
  /// Of the answer to the first request; empty before `open`.
  private(set) var headers = HTTPHeaders()

  /// How the bytes are verified beside their number.
  enum Verification {
    /// By the SHA-256 that our puts record.
    case recordedDigest
    /// Not at all: what is recorded under the same name is somebody else's.
    case lengthOnly
  }

  private enum State {
    case unopened
    case reading(Reading)
    case finished
  }

  private struct Reading {
    var iterator: HTTPClientResponse.Body.AsyncIterator
    let info: ObjectInfo
    /// The next byte that the reader gets, and the one after the last.
    var position: Int64
    let end: Int64
    /// Nil when there is nothing to compare with.
    let verification: (stream: SHA256Stream, expected: String)?
  }

  private var state = State.unopened
  private var course: S3Transport.Course

  init(
    _ transport: S3Transport, key: String, range: Range<Int64>?, verification: Verification = .recordedDigest
  ) {
    self.verification = verification
    self.transport = transport
    self.key = key
    self.range = range
    course = S3Transport.Course(transport.configuration.retry)
  }

  /// Asks for the bytes; returns when the server began to answer.
  func open() async throws -> (info: ObjectInfo, length: Int64) {
    let request = S3Request("get", .GET, key: key).with(header: "range", range.map(header))
    let key = self.key
    let range = self.range
    let (response, info, span) = try await transport.send(request, course: &course) { response in
      let (info, span) = try Self.extent(response, key, range)
      return (response, info, span)
    }
    headers = response.headers
    let isVerified = range == nil && verification == .recordedDigest
    let digest = isVerified ? response.headers.first(name: S3Store.digestHeader) : nil
    state = .reading(
      Reading(
        iterator: response.body.makeAsyncIterator(), info: info, position: span.lowerBound, end: span.upperBound,
        verification: digest.map { (SHA256Stream(), $0) }))
    return (info, span.upperBound - span.lowerBound)
  }

  /// The next bytes; nil after the last.
  func next() async throws -> ByteBuffer? {
    guard case .reading(var reading) = state else { return nil }
    while true {
      do {
        let piece = try await reading.iterator.next()
        if let piece, piece.readableBytes > 0 {
          try await accept(piece, &reading)
          state = .reading(reading)
          return piece
        }
        if piece == nil {
          guard reading.position == reading.end else { throw HTTPClientError.remoteConnectionClosed }
          state = .finished
          try verify(reading)
          return nil
        }
      } catch let error as ObjectStoreError where error.code == .corrupted {
        state = .finished
        throw error
      } catch {
        state = .finished
        try await resume(&reading, after: error)
      }
    }
  }

  private func accept(_ piece: ByteBuffer, _ reading: inout Reading) async throws {
    reading.position += Int64(piece.readableBytes)
    guard reading.position <= reading.end else {
      throw ObjectStoreError(
        .corrupted, operation: "get", key: key, message: "the server sent more bytes than it had announced")
    }
    reading.verification?.stream.update(piece)
    course.retries.progressed()
    if let limit = transport.downloadLimit { try await limit.take(piece.readableBytes) }
  }

  private func verify(_ reading: Reading) throws {
    guard let (stream, expected) = reading.verification, let digest = stream.finish() else { return }
    guard digest.description == expected.lowercased() else {
      throw ObjectStoreError(
        .corrupted, operation: "get", key: key,
        message: "the bytes have the SHA-256 \(digest), but \(expected) was recorded when they were stored; "
          + "read again, and if it is the same again, the object is damaged")
    }
  }

  /// Waits as retries do, then asks for what is left of the same object.
  private func resume(_ reading: inout Reading, after error: any Error) async throws {
    if Task.isCancelled {
      throw ObjectStoreError(.cancelled, operation: "get", key: key, message: "the task was cancelled")
    }
    let request = S3Request("get", .GET, key: key)
      .with(header: "range", header(reading.position..<reading.end))
      .with(header: "if-match", reading.info.etag)
    let failure = S3Failure(transport: error, during: request, transport.configuration)
    try await transport.wait(after: failure, &course)
    let expected = reading.position..<reading.end
    let key = self.key
    do {
      let response = try await transport.send(request, course: &course) { response in
        _ = try Self.extent(response, key, expected)
        return response
      }
      reading.iterator = response.body.makeAsyncIterator()
    } catch let error as ObjectStoreError where error.code == .alreadyExists || error.code == .notFound {
      throw ObjectStoreError(
        .corrupted, operation: "get", key: key,
        message: "the object was overwritten or deleted while it was read; read it again from its beginning")
    }
  }

  private func header(_ range: Range<Int64>) -> String { "bytes=\(range.lowerBound)-\(range.upperBound - 1)" }

  /// What the answer says about the object, and which bytes come.
  private static func extent(
    _ response: HTTPClientResponse, _ key: String, _ range: Range<Int64>?
  ) throws -> (ObjectInfo, Range<Int64>) {
    func refuse(_ why: String) -> ObjectStoreError {
      ObjectStoreError(.server, operation: "get", key: key, message: "the server's answer \(why)")
    }
    guard let range else {
      guard let size = response.headers.first(name: "content-length").flatMap({ Int64($0) }) else {
        throw refuse("does not tell the size")
      }
      return (S3Store.info(key, size, response.headers), 0..<size)
    }
    // For example: bytes 0-9/443
    let fields = (response.headers.first(name: "content-range") ?? "").split { " -/".contains($0) }
    guard fields.count == 4, let first = Int64(fields[1]), let last = Int64(fields[2]), let size = Int64(fields[3])
    else { throw refuse("does not give the range that was asked for") }
    guard first == range.lowerBound, last + 1 == range.upperBound else {
      throw ObjectStoreError.beyondTheEnd(range, size: size, key: key)
    }
    return (S3Store.info(key, size, response.headers), range)
  }
}
