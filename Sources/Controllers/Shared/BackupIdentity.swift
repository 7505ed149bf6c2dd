import KubeClient
package import KubeModel
package import TidemarkAPI

/// One life of a Backup: what a plan names when one is to go.
package struct BackupIdentity: Hashable, Sendable {
  package var key: ObjectKey
  package var uid: String?

  /// The identity of `backup`.
  package init(_ backup: Backup) { (key, uid) = (backup.key, backup.metadata.uid) }
}

extension ControllerEnvironment {
  /// Deletes a Backup, unless another took its name; one that is gone is success.
  func delete(_ backup: BackupIdentity) async throws {
    _ = try await client.deleteIfPresent(Backup.self, backup.key, options: DeleteOptions(uid: backup.uid))
  }
}
