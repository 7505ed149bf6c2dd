public import KubeClient
public import KubeModel

/// Writes statuses by server-side apply to the status subresource, in the name of one field manager.
///
/// What is applied is the whole status of that manager: a field that it wrote before and leaves out now is removed,
/// fields of others stay. Ownership is taken by force, as the Kubernetes documentation asks of controllers: two managers
/// should not own one field, and where they do the last one wins.
///
/// With the uid, a status meant for one life of an object never lands on the next one of the same name: the server
/// answers with a conflict, which is thrown as it is, for reading again would find another object.
public struct StatusWriter: Sendable {
  /// In whose name fields are written.
  public let fieldManager: String
  private let client: KubeClient

  /// Writes in the name of `fieldManager`.
  public init(client: KubeClient, fieldManager: String) {
    self.client = client
    self.fieldManager = fieldManager
  }

  /// Applies a status to an object, and gives the object as it is then. Throws `KubeError`, with `isNotFound` where the
  /// object is gone.
  public func apply<R: KubeStatusResource>(_ status: R.Status, to object: R) async throws -> R {
    try await client.applyStatus(
      R.self, object.key, status: status, fieldManager: fieldManager, conflicts: .force, uid: object.metadata.uid)
  }

  /// Applies a status unless the object, as it was read, says exactly that already. Gives the object as it is then.
  public func applyIfChanged<R: KubeStatusResource>(_ status: R.Status, to object: R) async throws -> R
  where R.Status: Equatable {
    guard object.status != status else { return object }
    return try await apply(status, to: object)
  }
}
