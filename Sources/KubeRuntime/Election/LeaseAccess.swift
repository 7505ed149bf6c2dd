package import KubeClient
package import KubeModel

/// How an elector reads and writes its lease: at the API server, or in a test's script.
package struct LeaseAccess: Sendable {
  /// The lease; `nil` where there is none.
  package let read: @Sendable () async throws -> LeaderElectionState.Reading?
  /// Writes the lease in place of this version, `nil`: creates it; gives what it is then. Throws `KubeError` with
  /// `isConflict` or `isAlreadyExists` where somebody else was faster.
  package let write: @Sendable (Lease.Spec, String?) async throws -> LeaderElectionState.Reading

  package init(
    read: @escaping @Sendable () async throws -> LeaderElectionState.Reading?,
    write: @escaping @Sendable (Lease.Spec, String?) async throws -> LeaderElectionState.Reading
  ) {
    self.read = read
    self.write = write
  }

  /// The lease of this key at the API server.
  package init(client: KubeClient, key: ObjectKey) {
    self.init(
      read: {
        try await client.find(Lease.self, key).map(Self.reading)
      },
      write: { spec, version in
        var metadata = ObjectMeta(key: key)
        metadata.resourceVersion = version
        let lease = Lease(metadata: metadata, spec: spec)
        return Self.reading(version == nil ? try await client.create(lease) : try await client.replace(lease))
      })
  }

  private static func reading(_ lease: Lease) -> LeaderElectionState.Reading {
    LeaderElectionState.Reading(spec: lease.spec ?? Lease.Spec(), resourceVersion: lease.metadata.resourceVersion)
  }
}
