import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

/// One authenticated call of one route.
struct Call: Sendable {
  let caller: Caller
  let request: Request
  /// What stands in place of `:id` in the path; empty where the route has none.
  let id: String
  let requestID: String
  let limits: FacadeLimits

  /// The path's id, as the caller wrote it; throws a 404 where it can be none.
  func resourceID() throws -> ResourceID {
    guard let id = ResourceID(id) else {
      throw FacadeError(.notFound, "there is no such thing; an id is \(TextRule.id.expected)")
    }
    return id
  }

  /// The query, of which all parameters are to be asked for.
  func query() throws -> QueryReader { try QueryReader(request.uri) }

  /// Reads the query's `namespace` and nothing else.
  func onlyNamespace() throws -> String? {
    var query = try query()
    let namespace = query.text("namespace", .name)
    try query.finish()
    return namespace
  }

  /// The body's bytes, in full.
  func body() async throws -> ByteBuffer {
    let bytes = try await request.collected(limit: limits.bodyBytes, deadline: limits.bodyTime)
    guard bytes.readableBytes == 0 || Self.isJSON(request.headers[.contentType]) else {
      throw FacadeError(.badRequest, "the body is not said to be JSON; send 'Content-Type: application/json'")
    }
    return bytes
  }

  private static func isJSON(_ type: String?) -> Bool {
    guard let type else { return false }
    let essence = type.prefix { $0 != ";" }.lowercased()
    return essence.filter { $0 != " " } == "application/json"
  }

  /// The key by which the same call made again is known; nil where the caller gave none.
  func idempotencyKey() throws -> String? {
    guard let key = request.headers[.idempotencyKey] else { return nil }
    let rule = TextRule.visible(upTo: 255)
    guard rule.accepts(key) else {
      throw FacadeError.field("Idempotency-Key", "does not fit; expected \(rule.expected)")
    }
    return key
  }

  /// The version that a change is meant for, from `If-Match`; nil: whatever is there. It is shown in answers as
  /// `resource_version`. API servers write numbers from 1 on, and take nothing else: of other words there is no object.
  func expectedVersion() throws -> String? {
    guard let value = request.headers[.ifMatch], value != "*" else { return nil }
    let version = value.trimmingPrefix("\"")
    let text = version.hasSuffix("\"") ? String(version.dropLast()) : String(version)
    guard (1...128).contains(text.utf8.count), text.utf8.allSatisfy({ isLabelByte($0) }) else {
      throw FacadeError.field("If-Match", "does not fit; expected a resource_version of an answer")
    }
    guard let number = UInt64(text), number > 0 else {
      throw FacadeError(.conflict, "there is no version '\(text)' of it; read it again, then repeat the change")
    }
    return text
  }
}
