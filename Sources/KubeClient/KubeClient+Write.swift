import Foundation
public import KubeModel
import NIOCore
import NIOFoundationCompat

extension KubeClient {
  /// Creates an object. `isAlreadyExists` where one of its name is there.
  ///
  /// Never sent twice: where the connection breaks, the object may be there or not. Names should be made so that
  /// `isAlreadyExists` is an answer.
  @discardableResult
  public func create<R: KubeResource>(_ object: R, fieldManager: String? = nil) async throws -> R {
    let namespace = object.metadata.namespace
    guard R.resource.scope == .cluster || namespace != nil else {
      throw KubeError.invalidRequest("create \(R.resource.qualifiedPlural) needs a namespace in the metadata")
    }
    var request = try APIRequest.about(
      R.self, "create", .post, namespace: namespace, name: .collection, repetition: .onlyIfNotSent, settings: settings)
    request.add("fieldManager", fieldManager)
    request.body = .init(type: .json, bytes: try encode(WireObject(object: object)))
    return try await exchange.perform(request, as: R.self)
  }

  /// Puts a whole object in place of the one that is there. With a `resourceVersion` in its metadata `isConflict` where
  /// another writer was faster.
  ///
  /// What the Swift type leaves out is removed from the object: use it for kinds that are whole, such as `Lease`.
  @discardableResult
  public func replace<R: KubeResource>(_ object: R, fieldManager: String? = nil) async throws -> R {
    try await replace(object, subresource: nil, fieldManager: fieldManager)
  }

  /// Puts a whole status in place of the one that is there; the rest of the object stays.
  @discardableResult
  public func replaceStatus<R: KubeStatusResource>(_ object: R, fieldManager: String? = nil) async throws -> R {
    try await replace(object, subresource: .status, fieldManager: fieldManager)
  }

  private func replace<R: KubeResource>(_ object: R, subresource: Subresource?, fieldManager: String?) async throws -> R
  {
    // Sent again after it was carried out, it would be refused as its own conflict.
    var request = try APIRequest.about(
      R.self, "replace", .put, namespace: object.metadata.namespace, name: .object(object.metadata.name ?? ""),
      subresource: subresource, repetition: .onlyIfNotSent, settings: settings)
    request.add("fieldManager", fieldManager)
    request.body = .init(type: .json, bytes: try encode(WireObject(object: object)))
    return try await exchange.perform(request, as: R.self)
  }

  /// Deletes an object. `isNotFound` where there is none, `isConflict` where a precondition fails.
  ///
  /// Sent again where the connection breaks before an answer: `isNotFound` may then mean that this call deleted it.
  @discardableResult
  public func delete<R: KubeResource>(
    _ type: R.Type, _ key: ObjectKey, options: DeleteOptions = DeleteOptions()
  ) async throws -> DeleteOutcome<R> {
    var request = try APIRequest.about(
      type, "delete", .delete, namespace: key.namespace, name: .object(key.name), repetition: .idempotent,
      settings: settings)
    request.body = .init(type: .json, bytes: try encode(WireDeleteOptions(options)))
    return try await exchange.perform(request, as: WireDeleteAnswer<R>.self).outcome
  }

  /// Deletes an object if it is there; returns whether it was.
  @discardableResult
  public func deleteIfPresent<R: KubeResource>(
    _ type: R.Type, _ key: ObjectKey, options: DeleteOptions = DeleteOptions()
  ) async throws -> Bool {
    do {
      try await delete(type, key, options: options)
      return true
    } catch let error as KubeError where error.isNotFound {
      return false
    }
  }

  func encode(_ value: some Encodable) throws -> ByteBuffer {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    do {
      return ByteBuffer(bytes: try encoder.encode(value))
    } catch {
      throw KubeError.invalidRequest("the object cannot be written as JSON (\(type(of: error)))")
    }
  }
}
