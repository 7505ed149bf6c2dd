import Foundation
import Hummingbird
import KubeClient
import KubeModel
import KubeRuntime
import Logging
import NIOCore
import TidemarkAPI

/// `POST /databases/:id/import`
extension Endpoints {
  /// Stages the body in a destination, then asks for a restore from there. The body is not held in memory; a dump that
  /// was staged for nothing is removed again.
  func importDump(_ call: Call) async throws -> Answer {
    var query = try call.query()
    let named = query.text("namespace", .name)
    let (destinationID, databaseName) = (query.text("destination_id", .id), query.text("database_name", .databaseName))
    let format = query.text("format", .word(of: DumpFormat.self)).flatMap { DumpFormat(rawValue: $0) }
    try query.finish()
    let database = try await find(stores.databases, call, namespace: named, to: .get)
    let namespace = database.metadata.namespace
    try await authorizer.require(Permission(.create, RestoreRequest.self, in: namespace), by: call.caller)
    let destination = try await self.destination(of: database, destinationID, call)
    let scope = "POST import \(database.metadata.uid ?? "")"
    let options = "\(destination.metadata.uid ?? "") \(databaseName ?? "") \(format?.rawValue ?? "")"
    // A first look, so that a repeated call does not upload again; the creation decides.
    if let key = try IdempotencyKey(call, scope: scope, body: ByteBuffer()),
      let existing = try await client.find(RestoreRequest.self, importKey(database, key))
    {
      let body = SHA256Digest(of: "\(options) \(try await digest(call))").description
      guard key.made(existing.metadata), key.body(of: existing.metadata) == body else {
        throw IdempotencyKey.otherBody
      }
      return accepted(existing)
    }
    guard let uploads = platform.uploads else {
      throw FacadeError(
        .serviceUnavailable, "this facade takes no uploads; put the dump into the bucket and use restore-from-path")
    }
    let secrets = try await secretsForUpload(to: destination)
    let upload = HashedBody(call.request.body)
    let staged = try await stage(upload, uploads, database, destination, secrets, call)
    var source = RestoreSource()
    source.path = RestorePath(destinationName: destination.metadata.name ?? "", key: staged, format: format)
    var spec = RestoreRequestSpec(source: source, target: BackupTarget(database: database.metadata.name ?? ""))
    spec.databaseName = databaseName
    let key = try IdempotencyKey(call, scope: scope, body: SHA256Digest(of: "\(options) \(upload.digest())"))
    let request = RestoreRequest(
      metadata: ObjectMeta(
        name: importKey(database, key).name, namespace: namespace, annotations: [TidemarkAnnotation.staged: "true"]),
      spec: spec)
    do {
      let created = try await create(request, key, in: stores.restores)
      if created.spec.source.path?.key != staged {
        try await uploads.discard(staged, of: database.key, in: destination.spec, secrets)
      }
      return accepted(created)
    } catch {
      // What is told is why there is no restore; a dump that stays costs room in the bucket until somebody removes it.
      do {
        try await uploads.discard(staged, of: database.key, in: destination.spec, secrets)
      } catch let other {
        logger.warning("a staged dump stays behind", metadata: ["key": "\(staged)", "error": "\(type(of: other))"])
      }
      throw error
    }
  }

  private func importKey(_ database: Database, _ key: IdempotencyKey?) -> ObjectKey {
    ObjectKey(
      namespace: database.metadata.namespace, name: MadeName.make("\(database.metadata.name ?? "")-import", key))
  }

  private func destination(of database: Database, _ id: String?, _ call: Call) async throws -> BackupDestination {
    let name = try await destination(id, of: database, call)
    let key = ObjectKey(namespace: database.metadata.namespace, name: name)
    try await authorizer.require(
      Permission(.get, BackupDestination.self, in: key.namespace, name: name), by: call.caller)
    guard let destination = stores.destinations[key] else { throw Self.missing(BackupDestination.self, "\(key)") }
    return destination
  }

  /// The digest of a body that is not wanted any more.
  private func digest(_ call: Call) async throws -> SHA256Digest {
    let body = HashedBody(call.request.body)
    var size = 0
    for try await piece in body {
      size += piece.readableBytes
      guard size <= call.limits.uploadBytes else { throw FacadeError.tooLarge(call.limits.uploadBytes) }
    }
    return body.digest()
  }

  private func stage(
    _ body: HashedBody, _ uploads: any DumpUploads, _ database: Database, _ destination: BackupDestination,
    _ secrets: DestinationSecrets, _ call: Call
  ) async throws -> String {
    do {
      return try await uploads.stage(
        body, for: database.key, id: UUID().uuidString.lowercased(), limit: call.limits.uploadBytes,
        in: destination.spec, secrets)
    } catch let error as DumpUploadError {
      switch error {
      case .tooLarge(let limit): throw FacadeError.tooLarge(limit)
      case .empty: throw FacadeError(.badRequest, "the body is empty; send the output of pg_dump")
      case .store(let reason, let message):
        throw FacadeError(
          .serviceUnavailable, "the dump could not be stored in the destination (\(reason)): \(message)",
          retryAfter: 30)
      }
    }
  }
}

/// A body whose digest is known when all of it has passed.
struct HashedBody: AsyncSequence, Sendable {
  typealias Element = ByteBuffer
  typealias Failure = any Error

  private let base: RequestBody
  private let pieces = SHA256Pieces()

  init(_ base: RequestBody) { self.base = base }

  /// The digest; asked for once, when the sequence has ended.
  func digest() -> SHA256Digest { pieces.finish() }

  func makeAsyncIterator() -> Iterator { Iterator(base: base.makeAsyncIterator(), pieces: pieces) }

  struct Iterator: AsyncIteratorProtocol {
    fileprivate var base: RequestBody.AsyncIterator
    fileprivate let pieces: SHA256Pieces

    mutating func next() async throws -> ByteBuffer? {
      guard let piece = try await base.next() else { return nil }
      pieces.update(piece)
      return piece
    }
  }
}
