import Logging
import ObjectStore
import PostgresEngine
import Repository

/// `forget`: removes a snapshot, and then what nothing needs any more without it: first the log, then the data.
///
/// All of it may be run again: a snapshot that is gone already is success, and what was removed is not there to be
/// removed.
struct ForgetStep {
  let input: ForgetInput
  let folder: StepFolder
  let logger: Logger

  /// For how long a prune packs again what is left of packs. Backups wait meanwhile, for ten minutes at most.
  private static let repackingTime: Duration = .seconds(180)

  /// What is to be forgotten.
  private enum Subject {
    case snapshots([SnapshotID])
    /// All that was made for the Backup of this uid.
    case backup(String)
  }

  func run() async throws -> StepProduct {
    let subject = try subject()
    do {
      try await forget(subject)
    } catch let error as RepositoryError where error.code == .notFound {
      // A backup that was stopped before it made the repository has no snapshot in it.
      guard case .backup = subject else { throw error }
    }
    return .nothing
  }

  private func subject() throws -> Subject {
    switch (input.snapshot, input.backup) {
    case (let first?, _):
      let ids = try ([first] + (input.furtherSnapshots ?? [])).map { text in
        guard let id = SnapshotID(text) else {
          throw StepError(code: .invalidInput, message: "'\(text)' is no snapshot; expected 64 hexadecimal digits")
        }
        return id
      }
      return .snapshots(ids)
    case (nil, let uid?): return .backup(uid)
    case (nil, nil):
      throw StepError(code: .invalidInput, message: "nothing to forget is named; expected a snapshot or a backup's uid")
    }
  }

  private func forget(_ subject: Subject) async throws {
    let password = try input.store.password(in: folder)
    guard let database = input.database else {
      try await input.store.withStore(in: folder, at: input.repositoryPrefix) { store in
        let repository = try await Repository.open(
          in: store, password: password, options: DatabaseArchive.options(logger))
        try await remove(subject, from: repository)
        try await prune(repository)
      }
      return
    }
    try await input.store.withStore(in: folder, at: database.prefix) { store in
      let archive = try await DatabaseArchive.open(store, password: password, logger: logger)
      try await remove(subject, from: archive.repository)
      try await expireLog(in: archive)
      try await prune(archive.repository)
    }
  }

  private func remove(_ subject: Subject, from repository: Repository) async throws {
    switch subject {
    case .snapshots(let ids): try await repository.forget(ids)
    case .backup(let uid):
      let tag = "tidemark:backup=\(uid)"
      try await repository.forget(
        try await repository.snapshots().filter { $0.tags.contains(tag) }.compactMap(\.id))
    }
  }

  /// Removes the log that only base backups needed which are gone.
  private func expireLog(in archive: DatabaseArchive) async throws {
    let catalog = try await archive.catalog()
    let expiry = try await catalog.expiry(
      bases: try await archive.bases(), archived: try input.activeIncarnation.map(BaseBackupStep.incarnation))
    try await catalog.remove(expiry, logger: logger)
  }

  /// Gives back the space of what no snapshot needs. Where somebody is at work in the repository, it is not kept waiting:
  /// whoever forgets next prunes for both.
  private func prune(_ repository: Repository) async throws {
    do {
      var options = PruneOptions()
      options.repackingTime = Self.repackingTime
      let report = try await repository.prune(options)
      logger.info(
        "repository pruned",
        metadata: [
          "bytesFreed": "\(report.bytesFreed)", "packsRemoved": "\(report.packsRemoved + report.packsUnreferenced)",
          "packsRepacked": "\(report.packsRepacked)",
        ])
    } catch let error as RepositoryError where error.code == .locked {
      logger.info("repository not pruned now", metadata: ["reason": "\(error.message)"])
    }
  }
}
