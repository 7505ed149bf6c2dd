public import KubeClient
public import KubeModel

/// Reads an object, changes it, and begins again where another writer was faster.
///
/// `change` is called with a fresh object each time, and makes the request itself; `nil` from it means that nothing is
/// to be done. After `attempts` conflicts in a row the last one is thrown: let the queue try again then. Gives `nil`
/// where the object is gone.
public func retryingOnConflict<R: KubeResource, Result: Sendable>(
  _ type: R.Type, _ key: ObjectKey, client: KubeClient, attempts: Int = 5,
  change: (R) async throws -> Result?
) async throws -> Result? {
  var attempt = 1
  while true {
    do {
      return try await change(try await client.get(type, key))
    } catch let error as KubeError where error.isNotFound {
      return nil
    } catch let error as KubeError where error.isConflict && attempt < attempts {
      attempt += 1
    }
  }
}
