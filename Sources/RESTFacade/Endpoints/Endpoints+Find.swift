import KubeClient
import KubeModel
import KubeRuntime

extension Endpoints {
  /// How long an unknown uid is waited for: another replica may have made it a moment ago, and its watch event is on
  /// the way to us.
  private static let patience: Duration = .milliseconds(250)

  /// The object that the path's id names, if the caller may `verb` it; throws a 404 or a 403 otherwise.
  func find<R: KubeResource>(
    _ store: Store<R>, _ call: Call, namespace: String? = nil, to verb: Permission.Verb
  ) async throws -> R {
    guard let object = try await search(store, try call.resourceID(), call, namespace: namespace, to: verb) else {
      throw Self.missing(R.self, call.id)
    }
    return object
  }

  /// The object that a field of the body names; throws a 404 that names the field, or a 403.
  func find<R: KubeResource>(
    _ store: Store<R>, field: String, _ text: String, _ call: Call, namespace: String? = nil
  ) async throws -> R {
    guard let id = ResourceID(text),
      let object = try await search(store, id, call, namespace: namespace, to: .get)
    else {
      let error = Self.missing(R.self, text)
      throw FacadeError(.notFound, "\(field): \(error.message)", fields: [field: error.message])
    }
    return object
  }

  /// The object of this id, if there is one; throws a 403 where the caller may not `verb` it.
  func search<R: KubeResource>(
    _ store: Store<R>, _ id: ResourceID, _ call: Call, namespace: String?, to verb: Permission.Verb
  ) async throws -> R? {
    switch id {
    case .key(let key):
      return try await named(store, key, call, verb)
    case .name(let name):
      return try await named(store, ObjectKey(namespace: try self.namespace(namespace, call), name: name), call, verb)
    case .uid(let uid):
      guard let object = try await object(store, uid: uid) else { return nil }
      try await authorizer.require(
        Permission(verb, R.self, in: object.metadata.namespace, name: object.metadata.name), by: call.caller)
      return object
    }
  }

  private func object<R: KubeResource>(_ store: Store<R>, uid: String) async throws -> R? {
    let deadline = ContinuousClock.now + Self.patience
    while true {
      if let object = store.object(uid: uid) { return object }
      guard ContinuousClock.now < deadline else { return nil }
      try await Task.sleep(for: .milliseconds(25))
    }
  }

  /// By name, and where the cache does not have it from the API server: it may be new.
  private func named<R: KubeResource>(
    _ store: Store<R>, _ key: ObjectKey, _ call: Call, _ verb: Permission.Verb
  ) async throws -> R? {
    guard configuration.serves(key.namespace ?? "") else { return nil }
    try await authorizer.require(Permission(verb, R.self, in: key.namespace, name: key.name), by: call.caller)
    if let object = store[key] { return object }
    return try await client.find(R.self, key)
  }

  /// A 404 about a kind.
  static func missing<R: KubeResource>(_ type: R.Type, _ id: String) -> FacadeError {
    FacadeError(.notFound, "there is no \(R.resource.kind) '\(id.prefix(320))'")
  }
}
