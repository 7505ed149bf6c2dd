import NIOPosix
public import Repository

/// A recovery plan into a data directory that PostgreSQL can be started on: the base backup's files, then
/// `RecoveryPreparation`.
///
/// The target directory must be absent or empty: a restore never destroys what is there. Starting PostgreSQL on it
/// replays the log by `restore_command`, stops at the target and promotes.
public struct DatabaseRestore: Sendable {
  private let repository: Repository
  private let plan: RecoveryPlan
  private let preparation: RecoveryPreparation

  /// A restore of `plan` from `repository`. See `RecoveryPreparation` for `restoreCommand` and `settings`.
  public init(
    repository: Repository, plan: RecoveryPlan, restoreCommand: String, settings: [(name: String, value: String)] = []
  ) {
    (self.repository, self.plan) = (repository, plan)
    preparation = RecoveryPreparation(plan: plan, restoreCommand: restoreCommand, settings: settings)
  }

  /// Makes the data directory. Returns what its control file says.
  @discardableResult
  public func run(into directory: String, options: Restorer.Options = .init()) async throws -> ControlFile {
    try await repository.loadIndex()
    let snapshot = try await repository.snapshot(plan.base.snapshot)
    _ = try await Restorer(repository: repository, options: options).restore(snapshot, to: ByteString(directory))
    let preparation = preparation
    return try await NIOThreadPool.singleton.runIfActive { try preparation.prepare(directory) }
  }
}
