public import KubeModel

extension KubeClient {
  /// Changes an object step by step; all steps happen, or none.
  ///
  /// `isInvalid` where a `test` fails or a path is not there. Never sent twice, as a step may not bear it.
  @discardableResult
  public func jsonPatch<R: KubeResource>(
    _ type: R.Type, _ key: ObjectKey, _ operations: [JSONPatchOperation], subresource: Subresource? = nil,
    fieldManager: String? = nil
  ) async throws -> R {
    var request = try APIRequest.about(
      type, "patch", .patch, namespace: key.namespace, name: .object(key.name), subresource: subresource,
      repetition: .onlyIfNotSent, settings: settings)
    request.add("fieldManager", fieldManager)
    request.body = .init(type: .jsonPatch, bytes: try encode(operations))
    return try await exchange.perform(request, as: type)
  }

  /// Merges fields into an object (RFC 7386): `null` removes a field, an array takes the place of the whole array.
  @discardableResult
  public func mergePatch<R: KubeResource>(
    _ type: R.Type, _ key: ObjectKey, _ patch: some Encodable & Sendable, subresource: Subresource? = nil,
    fieldManager: String? = nil
  ) async throws -> R {
    var request = try APIRequest.about(
      type, "patch", .patch, namespace: key.namespace, name: .object(key.name), subresource: subresource,
      repetition: .idempotent, settings: settings)
    request.add("fieldManager", fieldManager)
    request.body = .init(type: .mergePatch, bytes: try encode(patch))
    return try await exchange.perform(request, as: type)
  }

  /// Merges fields written as JSON into an object (RFC 7386).
  @discardableResult
  public func mergePatch<R: KubeResource>(
    _ type: R.Type, _ key: ObjectKey, json patch: JSONValue, subresource: Subresource? = nil,
    fieldManager: String? = nil
  ) async throws -> R {
    try await mergePatch(type, key, patch, subresource: subresource, fieldManager: fieldManager)
  }
}
