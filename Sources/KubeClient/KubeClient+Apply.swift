public import KubeModel

extension KubeClient {
  /// Applies an object on the server: the fields that it has become as they are here, and `fieldManager` owns them;
  /// fields that this manager owned before and that are absent now are removed; all others stay.
  ///
  /// Creates the object where there is none. `isConflict` where a field belongs to another manager, unless `conflicts`
  /// says to take it over. With a `uid` or `resourceVersion` in the metadata only that object or version is changed.
  /// Leave `status` nil: it is applied with `applyStatus`.
  @discardableResult
  public func apply<R: KubeResource>(
    _ object: R, fieldManager: String, conflicts: ApplyConflicts = .fail
  ) async throws -> R {
    var object = object
    object.metadata.generation = nil
    object.metadata.creationTimestamp = nil
    object.metadata.deletionTimestamp = nil
    return try await apply(
      R.self, object.key, subresource: nil, body: WireObject(object: object), fieldManager: fieldManager,
      conflicts: conflicts)
  }

  /// Applies a status, or a part of one: `fieldManager` comes to own exactly the fields that `status` has.
  ///
  /// `status` may be the kind's own status or any type that has some of its fields, so that two managers can each
  /// report their own. `isNotFound` where the object is gone. With a `uid` only that life of the object is changed.
  @discardableResult
  public func applyStatus<R: KubeStatusResource>(
    _ type: R.Type, _ key: ObjectKey, status: some Encodable & Sendable, fieldManager: String,
    conflicts: ApplyConflicts = .fail, uid: String? = nil, resourceVersion: String? = nil
  ) async throws -> R {
    var metadata = ObjectMeta(key: key)
    metadata.uid = uid
    metadata.resourceVersion = resourceVersion
    let body = WireStatus(
      apiVersion: R.resource.apiVersion, kind: R.resource.kind, metadata: metadata, status: status)
    return try await apply(
      type, key, subresource: .status, body: body, fieldManager: fieldManager, conflicts: conflicts)
  }

  private func apply<R: KubeResource>(
    _ type: R.Type, _ key: ObjectKey, subresource: Subresource?, body: some Encodable, fieldManager: String,
    conflicts: ApplyConflicts
  ) async throws -> R {
    guard !fieldManager.isEmpty else { throw KubeError.invalidRequest("apply needs a field manager") }
    var request = try APIRequest.about(
      type, "apply", .patch, namespace: key.namespace, name: .object(key.name), subresource: subresource,
      repetition: .idempotent, settings: settings)
    request.add("fieldManager", fieldManager)
    request.add("force", conflicts == .force ? "true" : nil)
    // JSON is YAML: the server takes it as such.
    request.body = .init(type: .apply, bytes: try encode(body))
    return try await exchange.perform(request, as: type)
  }
}
