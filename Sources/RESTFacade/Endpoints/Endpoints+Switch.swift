import KubeModel
import KubeRuntime
import NIOCore
import TidemarkAPI

/// `POST /databases/:id/switch`
extension Endpoints {
  /// Which instance clients are to be on.
  enum SwitchTo: String, CaseIterable {
    /// The one that was restored.
    case restored
    /// The one that clients were on before.
    case previous
  }

  func switchOver(_ call: Call) async throws -> Answer {
    let database = try await find(stores.databases, call, namespace: try call.onlyNamespace(), to: .get)
    let namespace = database.metadata.namespace
    try await authorizer.require(Permission(.patch, RestoreRequest.self, in: namespace), by: call.caller)
    let bytes = try await call.body()
    var body = try BodyReader(bytes)
    let restoreID = body.text("restore_id", .id)
    let direction = body.word("direction", SwitchTo.self) ?? .restored
    try body.finish()
    let request = try await switchable(restoreID, of: database, call)
    let key = try IdempotencyKey(call, scope: "POST switch \(database.metadata.uid ?? "")", body: bytes)
    if let key, let body = SwitchKeys(request.metadata)[key.digest] {
      guard body == key.body else { throw IdempotencyKey.otherBody }
      return accepted(request)
    }
    var change: [String: JSONValue] = ["spec": ["switchRequested": .bool(direction == .restored)]]
    if let key {
      let keys = SwitchKeys(request.metadata).adding(key)
      change["metadata"] = ["annotations": [SwitchKeys.annotation: .string(keys.description)]]
    }
    // Of two switches at once the second sees what the first has asked for, and is refused.
    return accepted(
      try await patch(request, .object(change), version: request.metadata.resourceVersion, in: stores.restores))
  }

  /// The restore that a switch is about: the one that is named, or the newest that can be switched to or back from.
  private func switchable(_ id: String?, of database: Database, _ call: Call) async throws -> RestoreRequest {
    let name = database.metadata.name
    if let id {
      let named = try await find(
        stores.restores, field: "restore_id", id, call, namespace: database.metadata.namespace)
      guard named.metadata.namespace == database.metadata.namespace, named.databaseName == name else {
        throw FacadeError.field("restore_id", "is a restore of another database")
      }
      guard named.isSwitchable else {
        let phase = (named.status?.phase ?? .pending).rawValue
        throw FacadeError(.conflict, "the restore is \(phase); a switch needs one that is ReadyToSwitch or Completed")
      }
      return named
    }
    let candidates = stores.restores.objects(in: database.metadata.namespace)
      .filter { $0.databaseName == name && $0.isSwitchable }
    guard let newest = candidates.min(by: { PageCursor($0.metadata) < PageCursor($1.metadata) }) else {
      throw FacadeError(
        .conflict, "no restore of this database is ready to switch to; start one, and wait until it is ReadyToSwitch")
    }
    return newest
  }
}

extension RestoreRequest {
  /// Whether there is an instance that clients can be moved to, or back from.
  var isSwitchable: Bool {
    guard !metadata.isDeleting, spec.source.path == nil, status?.loaded == nil else { return false }
    return [.readyToSwitch, .switching, .completed].contains(status?.phase)
  }
}

/// The idempotency keys of the switches that were asked of one restore, with the digests of their bodies: the last few,
/// as the restore outlives its switches.
struct SwitchKeys: CustomStringConvertible {
  static let annotation = "tidemark.dev/switch-keys"
  private static let kept = 16

  private var entries: [(key: String, body: String)]

  init(_ metadata: ObjectMeta) {
    entries = (metadata.annotations[Self.annotation] ?? "").split(separator: ",").compactMap { entry in
      let parts = entry.split(separator: "=")
      return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
    }
  }

  subscript(key: String) -> String? { entries.last { $0.key == key }?.body }

  func adding(_ key: IdempotencyKey) -> SwitchKeys {
    var keys = self
    keys.entries = keys.entries.suffix(Self.kept - 1) + [(key.digest, key.body)]
    return keys
  }

  var description: String { entries.map { "\($0.key)=\($0.body)" }.joined(separator: ",") }
}
