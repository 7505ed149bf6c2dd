import FileEngine
import KubeModel
import Logging
import ObjectStore
import Repository
import TidemarkAPI

/// What the steps of volumes and buckets have in common.
enum FileArchive {
  /// How long a prune, which wants the repository for itself, is waited for.
  static let patience: Duration = .seconds(600)

  /// Runs `body` with the repository at `place`, made where there is none, under a shared lock.
  static func withRepository<Value: Sendable>(
    of store: StoreInput, at place: String, in folder: StepFolder, logger: Logger,
    _ body: (Repository) async throws -> Value
  ) async throws -> Value {
    try await store.withStore(in: folder, at: place) { objects in
      let repository = try await Repository.openOrCreate(
        in: objects, password: try store.password(in: folder), options: DatabaseArchive.options(logger))
      return try await repository.withLock(.shared, patience: patience) { _ in try await body(repository) }
    }
  }

  /// The snapshot `id` of a repository whose index is loaded by this.
  static func snapshot(_ id: String, in repository: Repository) async throws -> Snapshot {
    let snapshot = try await repository.snapshot(id)
    try await repository.loadIndex()
    return snapshot
  }

  /// How far a backup or a restore is, as its resource's status has it.
  static func progress(_ done: FileProgress, of total: Int64? = nil) -> StepProgress {
    StepProgress(
      bytesDone: done.bytes, bytesTotal: total.map { max($0, done.bytes) }, filesDone: done.files, updatedAt: .now)
  }

  /// The product that these records tell of.
  static func product(
    _ records: [FileRecord], problems: [FileProblem], vanished: Int
  ) -> StepProduct {
    let snapshots = records.map { record in
      var claim: String?
      if case .volume(let name, _) = record.subject { claim = name }
      return FilesSnapshot(
        claim: claim, snapshot: record.snapshot?.description ?? "", files: record.files, bytes: record.logicalBytes)
    }
    let size = records.reduce(into: BackupSize(logical: 0, added: 0, stored: 0)) { size, record in
      size.logical += record.logicalBytes
      size.added += record.addedBytes
      size.stored += record.storedBytes
    }
    let names = problems.filter(\.breaksConsistency).prefix(FileInconsistencies.namesBound).map(\.description)
    return .files(
      FilesProduct(
        snapshots: snapshots, size: size,
        inconsistencies: FileInconsistencies(
          changed: records.reduce(0) { $0 + $1.changed }, vanished: vanished, names: names)))
  }
}

extension Repository {
  /// The records of the Backup with this uid that are whole: all its snapshots are there. What is there of a set that
  /// is not whole is forgotten.
  func wholeRecords(of backup: String) async throws -> [FileRecord] {
    let records = try await fileRecords().map(\.record).filter { $0.backup == backup }
    guard let first = records.first else { return [] }
    guard case .volume(_, let count) = first.subject, records.count < count else { return records }
    try await forget(records.compactMap(\.snapshot))
    return []
  }

  /// The newest snapshot of a subject.
  func newest(_ isWanted: (FileRecord.Subject) -> Bool) async throws -> Snapshot? {
    try await fileRecords().last { isWanted($0.record.subject) }?.snapshot
  }
}
