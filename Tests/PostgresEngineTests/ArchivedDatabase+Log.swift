import ObjectStore
import PostgresEngine
import Repository

extension ArchivedDatabase {
  /// The keys below a prefix.
  func objects(_ prefix: String) async throws -> [String] {
    try await store.list(prefix: prefix, startAfter: nil).collected().map(\.key)
  }

  func forget(_ base: RecoveryBase) async throws {
    guard let id = SnapshotID(base.snapshot) else { throw TestFailure("'\(base.snapshot)' is no id") }
    try await repository.forget(id)
  }
}
