public import KubeModel

extension KubeClient {
  /// Applies an object on the server: the fields that it has become as they are here, and `fieldManager` owns them;
  /// fields that this manager owned before and that are absent now are removed; all others stay.
  ///
  /// Creates the object where there is none. `isConflict` where a field belongs to another manager, unless `conflicts`
  /// says to take it over, or where the metadata have a `resourceVersion` that is not the newest.
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
  /// report their own. `isNotFound` where the object is gone.
  ///
  /// With a `uid` only that life of the object is changed, and `isConflict` where another object took the name. The
  /// server does not check a uid here, so this reads the object first and ties the write to what was read.
  @discardableResult
  public func applyStatus<R: KubeStatusResource>(
    _ type: R.Type, _ key: ObjectKey, status: some Encodable & Sendable, fieldManager: String,
    conflicts: ApplyConflicts = .fail, uid: String? = nil, resourceVersion: String? = nil
  ) async throws -> R {
    var tries = 0
    while true {
      var metadata = ObjectMeta(key: key)
      metadata.resourceVersion = resourceVersion
      if let uid { metadata.resourceVersion = try await version(type, key, of: uid, expected: resourceVersion) }
      let body = WireStatus(
        apiVersion: R.resource.apiVersion, kind: R.resource.kind, metadata: metadata, status: status)
      do {
        return try await apply(
          type, key, subresource: .status, body: body, fieldManager: fieldManager, conflicts: conflicts)
      } catch let error as KubeError
        where error.isConflict && uid != nil && resourceVersion == nil && !error.isFieldConflict && tries < 5
      {
        // Somebody wrote between our read and our write.
        tries += 1
      }
    }
  }

  /// The version of the object if it is still the one with this uid.
  private func version<R: KubeResource>(
    _ type: R.Type, _ key: ObjectKey, of uid: String, expected: String?
  ) async throws -> String? {
    let current = try await get(MetadataOnly<R>.self, key).metadata
    guard current.uid == uid else {
      throw KubeError.status(
        KubeStatus(
          code: 409, reason: .conflict,
          message:
            "\(R.resource.qualifiedPlural) \(key) is another object by now: its uid is \(current.uid ?? "absent"), "
            + "not \(uid)"))
    }
    return expected ?? current.resourceVersion
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
