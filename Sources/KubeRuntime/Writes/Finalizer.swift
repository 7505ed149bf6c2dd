public import KubeClient
public import KubeModel

/// Adds and removes a finalizer: the mark by which an object stays until somebody has cleaned up after it.
///
/// Both are JSON patches whose `test` names the object's uid and the finalizers that were seen, so that neither
/// another life of the object nor somebody else's finalizer is touched. Where the test fails the object is read again
/// and the patch made anew, a few times.
public struct Finalizer: Sendable {
  /// The finalizer's name, for example `tidemark.dev/snapshot`.
  public let name: String
  private let client: KubeClient

  /// The finalizer of this name.
  public init(_ name: String, client: KubeClient) {
    self.name = name
    self.client = client
  }

  /// Whether the object has it.
  public func isOn(_ object: some KubeResource) -> Bool {
    object.metadata.finalizers.contains(name)
  }

  /// Puts it on the object, unless it is there or the object is being deleted (the server takes none then). Gives the
  /// object as it is now.
  public func add<R: KubeResource>(to object: R) async throws -> R {
    try await change(object) { metadata in
      guard !metadata.isDeleting, !metadata.finalizers.contains(name) else { return nil }
      return Self.adding(name, to: metadata)
    } ?? object
  }

  /// Takes it off the object, unless it is gone already. An object that is gone altogether is success.
  public func remove<R: KubeResource>(from object: R) async throws {
    _ = try await change(object) { Self.removing(name, from: $0) }
  }

  private func change<R: KubeResource>(
    _ object: R, patch: (ObjectMeta) -> [JSONPatchOperation]?
  ) async throws -> R? {
    var object = object
    for attempt in 1... {
      guard let operations = patch(object.metadata) else { return object }
      do {
        return try await client.jsonPatch(R.self, object.key, operations)
      } catch let error as KubeError where error.isNotFound {
        return nil
      } catch let error as KubeError where (error.isInvalid || error.isConflict) && attempt < 5 {
        let uid = object.metadata.uid
        guard let fresh = try await client.find(R.self, object.key), fresh.metadata.uid == uid else { return nil }
        object = fresh
      }
    }
    return nil
  }

  package static func adding(_ name: String, to metadata: ObjectMeta) -> [JSONPatchOperation] {
    let path: JSONPointer = ["metadata", "finalizers"]
    guard !metadata.finalizers.isEmpty else {
      return identity(metadata) + [.test(path, .null), .add(path, .array([.string(name)]))]
    }
    return identity(metadata) + [.test(path, list(metadata)), .add(["metadata", "finalizers", "-"], .string(name))]
  }

  package static func removing(_ name: String, from metadata: ObjectMeta) -> [JSONPatchOperation]? {
    guard let index = metadata.finalizers.firstIndex(of: name) else { return nil }
    let place: JSONPointer = ["metadata", "finalizers", "\(index)"]
    return identity(metadata) + [.test(place, .string(name)), .remove(place)]
  }

  private static func identity(_ metadata: ObjectMeta) -> [JSONPatchOperation] {
    metadata.uid.map { [.test(["metadata", "uid"], .string($0))] } ?? []
  }

  private static func list(_ metadata: ObjectMeta) -> JSONValue {
    .array(metadata.finalizers.map { .string($0) })
  }
}
