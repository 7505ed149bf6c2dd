import KubeModel
import Logging
import ObjectStore
import PostgresEngine
import Repository
import TidemarkAPI

/// What lies in the bucket of one database, opened: its prefix, its repository and all that hangs on the key.
struct DatabaseArchive: Sendable {
  /// Scoped to the database's prefix.
  let store: any ObjectStore
  let repository: Repository

  /// Opens the archive at the start of a store scoped to the database's prefix.
  static func open(_ store: any ObjectStore, password: RepositoryPassword, logger: Logger) async throws -> Self {
    DatabaseArchive(
      store: store,
      repository: try await Repository.open(
        in: store.scoped(to: "repo/"), password: password, options: options(logger)))
  }

  /// Opens the archive, and begins one where there is none.
  static func openOrCreate(
    _ store: any ObjectStore, password: RepositoryPassword, logger: Logger
  ) async throws -> Self {
    DatabaseArchive(
      store: store,
      repository: try await Repository.openOrCreate(
        in: store.scoped(to: "repo/"), password: password, options: options(logger)))
  }

  /// How long a prune, which wants the repository for itself, is waited for.
  private static let patience: Duration = .seconds(600)

  /// Runs `body` while the repository is kept from being pruned; what is waited for before that, `report` says.
  func withSharedLock<Value>(
    _ report: StatusReport<Backup>, _ body: () async throws -> Value
  ) async throws -> Value {
    try await repository.withLock(.shared, patience: Self.patience, waiting: { _ in report.tell(.waiting) }) { _ in
      try await body()
    }
  }

  static func options(_ logger: Logger) -> RepositoryOptions {
    var options = RepositoryOptions()
    options.logger = logger
    return options
  }

  /// What the snapshots say of the base backups, the oldest first.
  func records() async throws -> [BaseBackupRecord] {
    try await repository.snapshots().compactMap { BaseBackupRecord(snapshot: $0) }
  }

  /// The base backups, as a recovery wants to know them.
  func bases() async throws -> [RecoveryBase] { try await records().map { RecoveryBase($0) } }

  func catalog() async throws -> WALCatalog { try await WALCatalog.open(store: store, key: repository.key) }
}

extension BackupStatus {
  /// Nothing goes on before somebody's lock is gone.
  fileprivate static var waiting: BackupStatus {
    var status = BackupStatus()
    status.progress = StepProgress(bytesDone: 0, bytesTotal: nil, filesDone: 0, updatedAt: .now)
    status.progress?.waitingFor = "a prune, or another program, to unlock the repository"
    return status
  }
}

extension MicroTime {
  /// The same moment, as PostgreSQL's own type has it.
  init(_ time: PostgresTime) { self.init(microsecondsSince1970: time.unixMicroseconds) }
}

extension PostgresTime {
  /// The same moment, as resources have it.
  init(_ time: MicroTime) { self.init(unixMicroseconds: time.microsecondsSince1970) }
}
