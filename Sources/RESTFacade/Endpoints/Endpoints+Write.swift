import KubeClient
import KubeModel
import KubeRuntime

extension Endpoints {
  /// How long a write waits until our own cache shows it, so that who reads what it just wrote finds it. A cache that
  /// is further behind does not keep the answer back.
  private static let visibility: Duration = .seconds(2)

  /// Creates an object. With an idempotency key, one that the same call made before is an answer too.
  ///
  /// The object's name depends on the key alone, or the name is the caller's: of any number of equal calls, at any
  /// number of replicas, the API server lets one create it, and the others find it.
  func create<R: KubeResource>(
    _ object: R, _ key: IdempotencyKey?, in store: Store<R>, nameField: String = "name"
  ) async throws -> R {
    var object = object
    key?.mark(&object.metadata)
    do {
      let created = try await client.create(object, fieldManager: Self.fieldManager)
      await visible(created, in: store)
      return created
    } catch let error as KubeError where error.isAlreadyExists {
      let existing = try await client.get(R.self, object.key)
      guard let key, key.made(existing.metadata) else {
        throw FacadeError(
          .conflict, "a \(R.resource.kind) '\(object.key)' exists already; choose another \(nameField)",
          fields: [nameField: "is taken"])
      }
      guard key.body(of: existing.metadata) == key.body else { throw IdempotencyKey.otherBody }
      await visible(existing, in: store)
      return existing
    }
  }

  /// Merges a change into an object, of the version that is given where one is.
  func patch<R: KubeResource>(
    _ object: R, _ change: JSONValue, version: String?, in store: Store<R>
  ) async throws -> R {
    var patch = change
    if let version, case .object(var fields) = patch {
      var metadata: [String: JSONValue] = [:]
      if case .object(let given)? = fields["metadata"] { metadata = given }
      metadata["resourceVersion"] = .string(version)
      fields["metadata"] = .object(metadata)
      patch = .object(fields)
    }
    let changed = try await client.mergePatch(R.self, object.key, json: patch, fieldManager: Self.fieldManager)
    await visible(changed, in: store)
    return changed
  }

  /// Deletes this life of an object.
  func delete<R: KubeResource>(_ object: R, version: String?, in store: Store<R>) async throws {
    try await client.delete(
      R.self, object.key, options: DeleteOptions(uid: object.metadata.uid, resourceVersion: version))
    await until { store[object.key].map { $0.metadata.uid != object.metadata.uid || $0.metadata.isDeleting } ?? true }
  }

  /// Waits until the cache shows an object in this version or a later one.
  private func visible<R: KubeResource>(_ object: R, in store: Store<R>) async {
    let wanted = object.metadata.resourceVersion.flatMap { UInt64($0) } ?? 0
    await until {
      guard let cached = store[object.key]?.metadata else { return false }
      return cached.uid != object.metadata.uid || (cached.resourceVersion.flatMap { UInt64($0) } ?? 0) >= wanted
    }
  }

  private func until(_ isSo: () -> Bool) async {
    let deadline = ContinuousClock.now + Self.visibility
    while !isSo(), ContinuousClock.now < deadline {
      // A cancelled caller has gone, and needs no answer that fits what it reads next.
      guard (try? await Task.sleep(for: .milliseconds(3))) != nil else { return }
    }
  }
}
