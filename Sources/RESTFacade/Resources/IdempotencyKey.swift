import KubeModel
import NIOCore

/// By what a call made twice is known as one: caller, route, target and the caller's `Idempotency-Key`.
///
/// It lives on the resource that the call made, as a label (the digest of the key) and an annotation (the digest of the
/// body), so that every replica knows it and it goes with the resource. Neither tells the key or the body.
struct IdempotencyKey: Sendable, Equatable {
  static let label = "tidemark.dev/idempotency-key"
  static let annotation = "tidemark.dev/idempotency-body"

  /// 32 hexadecimal digits of who asked what of whom by which key.
  let digest: String
  /// 64 hexadecimal digits of the body.
  private(set) var body: String

  /// The key of a call; nil where the caller gave none. `scope` is what the call is about, in one form however the
  /// caller wrote it: `POST /databases/:id/backups <uid>`.
  init?(_ call: Call, scope: String, body: ByteBuffer) throws {
    try self.init(call, scope: scope, body: SHA256Digest(of: body))
  }

  init?(_ call: Call, scope: String, body: SHA256Digest) throws {
    guard let key = try call.idempotencyKey() else { return nil }
    digest = SHA256Digest(of: "\(call.caller.name)\n\(scope)\n\(key)").hexadecimal(16)
    self.body = body.description
  }

  /// The same key without the body's digest, for a resource that must not carry it.
  var withoutBody: IdempotencyKey {
    var key = self
    key.body = ""
    return key
  }

  func mark(_ metadata: inout ObjectMeta) {
    metadata.labels[Self.label] = digest
    metadata.annotations[Self.annotation] = body
  }

  /// Whether a call of this key made the object.
  func made(_ metadata: ObjectMeta) -> Bool { metadata.labels[Self.label] == digest }

  /// The digest of the body of the call that made the object.
  func body(of metadata: ObjectMeta) -> String? { metadata.annotations[Self.annotation] }

  static var otherBody: FacadeError {
    FacadeError(
      .conflict, "this Idempotency-Key was used with another body; use a new key for a new request",
      fields: ["Idempotency-Key": "was used with another body"])
  }
}

/// Names of objects that calls make.
enum MadeName {
  /// `<prefix>-<something>`: of the key where there is one, so that the same call makes the same name; of the time and
  /// chance otherwise. At most 63 bytes, as names also become labels.
  static func make(_ prefix: String, _ key: IdempotencyKey?, now: Timestamp = .now) -> String {
    let suffix: String
    if let key {
      suffix = String(key.digest.prefix(16))
    } else {
      let time = now.description.filter(\.isNumber)
      suffix = "\(time.prefix(8))-\(time.dropFirst(8))-\(String(UInt32.random(in: 0x10000...0xfffff), radix: 16))"
    }
    let room = 63 - suffix.utf8.count - 1
    let start = prefix.prefix(room).replacing(".", with: "-")
    return "\(start)-\(suffix)"
  }
}
