import Steps

/// A platform that holds no instances: backups and archiving work, clones and restores say that they don't.
struct NoInstanceHost: InstanceHost {
  private var refusal: StepError {
    StepError(code: .instanceFailed, message: "this platform holds no instances; restore on the platform local")
  }

  func reserve(_ id: InstanceID, of database: String) async throws -> InstancePlace { throw refusal }

  func instances(of database: String, in namespace: String) async throws -> [InstanceID] { [] }

  func start(_ id: InstanceID, serverMajor: Int) async throws { throw refusal }

  func state(of id: InstanceID, as role: InstanceRole) async throws -> InstanceState { .absent }

  func finishRecovery(_ id: InstanceID, role: InstanceRole) async throws { throw refusal }

  func fence(of id: InstanceID, as role: InstanceRole) async throws -> Fence { throw refusal }

  func exchange(_ live: InstanceID, _ aside: InstanceID, incoming: String, outgoing: String) async throws {
    throw refusal
  }

  func stop(_ id: InstanceID) async throws {}

  func remove(_ id: InstanceID) async throws {}
}
