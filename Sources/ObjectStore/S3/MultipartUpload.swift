internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// An object that is being put in parts. It does not exist before `complete`; `abort` frees what the parts took.
final class MultipartUpload: Sendable {
  private let transport: S3Transport
  private let key: String
  private let id: String
  private let mark: PutMark
  private let parts = Mutex<[Int: (etag: String, size: Int)]>([:])

  private init(_ transport: S3Transport, key: String, id: String, mark: PutMark) {
    self.transport = transport
    self.key = key
    self.id = id
    self.mark = mark
  }

  static func begin(
    _ transport: S3Transport, key: String, mark: PutMark, headers: [(name: String, value: String)] = []
  ) async throws -> MultipartUpload {
    // A retry after a lost answer would leave a second, empty upload behind: it takes no room, and `abort` of ours does
    // not reach it; `abortUnfinishedPuts` does.
    let request = S3Request("put", .POST, key: key, query: [("uploads", "")], headers: headers)
      .with(header: S3Store.markHeader, mark.value)
    let answer = try await transport.document(request)
    guard let id = try? XMLNode(document: answer.body.readableBytesView)["UploadId"], !id.isEmpty else {
      throw ObjectStoreError(
        .server, operation: "put", key: key, message: "the server's answer to the start of an upload has no upload id")
    }
    return MultipartUpload(transport, key: key, id: id, mark: mark)
  }

  /// Sends part `number`, counted from 1. May be called for several parts at once.
  func send(_ part: ByteBuffer, number: Int) async throws {
    let request = S3Request("put", .PUT, key: key, query: [("partNumber", String(number)), ("uploadId", id)])
      .with(body: part)
    let answer = try await transport.document(request)
    guard let etag = answer.headers.first(name: "etag") else {
      throw ObjectStoreError(.server, operation: "put", key: key, message: "the server gave part \(number) no ETag")
    }
    parts.withLock { $0[number] = (etag, part.readableBytes) }
  }

  /// Makes the object of the parts that were sent.
  func complete(_ course: inout S3Transport.Course) async throws -> ObjectInfo {
    let parts = self.parts.withLock { $0.sorted { $0.key < $1.key } }
    let list = parts.map { number, part in
      "<Part><PartNumber>\(number)</PartNumber><ETag>\(xmlEscaped(part.etag))</ETag></Part>"
    }
    let body = "<CompleteMultipartUpload>\(list.joined())</CompleteMultipartUpload>"
    let request = S3Request("put", .POST, key: key, query: [("uploadId", id)])
      .with(header: "if-none-match", mark.ifNoneMatch)
      .with(body: ByteBuffer(string: body))
    let size = parts.reduce(0) { $0 + Int64($1.value.size) }
    do {
      let etag = try await transport.send(request, course: &course) { [transport] response in
        let answer = try await response.body.collect(upTo: 1 << 20)
        // A 200 begins before the server knows how it ends: the body may be an error.
        let document = try? XMLNode(document: answer.readableBytesView)
        guard document?.name == "CompleteMultipartUploadResult" else {
          throw S3Failure(
            answer: 500, headers: response.headers, body: answer, to: request, bucket: transport.configuration.bucket)
        }
        return document?["ETag"]
      }
      return ObjectInfo(key: key, size: size, etag: etag)
    } catch let error as ObjectStoreError where error.code == .server && course.mayHaveHappened {
      // 'No such upload' after a lost answer: it was completed.
      guard let found = try await completed(size) else { throw error }
      return found
    }
  }

  /// The object, when it is the one that this upload made; nil otherwise.
  private func completed(_ size: Int64) async throws -> ObjectInfo? {
    let headers: HTTPHeaders
    do {
      headers = try await transport.document(S3Request("put", .HEAD, key: key)).headers
    } catch let error as ObjectStoreError where error.code == .notFound {
      return nil
    }
    let suffix = "-\(parts.withLock { $0.count })\""
    guard headers.first(name: "content-length").flatMap({ Int64($0) }) == size,
      headers.first(name: S3Store.markHeader) == mark.value, headers.first(name: "etag")?.hasSuffix(suffix) == true
    else { return nil }
    return S3Store.info(key, size, headers)
  }

  /// Frees the parts, also when the task was cancelled.
  func abort() async {
    let request = S3Request("put", .DELETE, key: key, query: [("uploadId", id)])
    // Runs in a task of its own, because the one that we are in may be cancelled, and waits for it.
    let transport = self.transport
    await Task { _ = try? await transport.document(request) }.value
  }
}
