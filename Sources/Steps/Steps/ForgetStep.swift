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

  func run() async throws -> StepProduct {
    let ids = try ([input.snapshot] + (input.furtherSnapshots ?? [])).map { text in
      guard let id = SnapshotID(text) else {
        throw StepError(code: .invalidInput, message: "'\(text)' is no snapshot; expected 64 hexadecimal digits")
      }
      return id
    }
    let password = try input.store.password(in: folder)
    guard let database = input.database else {
      try await input.store.withStore(in: folder, at: input.repositoryPrefix) { store in
        let repository = try await Repository.open(
          in: store, password: password, options: DatabaseArchive.options(logger))
        try await repository.forget(ids)
        try await prune(repository)
      }
      return .nothing
    }
    try await input.store.withStore(in: folder, at: database.prefix) { store in
      let archive = try await DatabaseArchive.open(store, password: password, logger: logger)
      try await archive.repository.forget(ids)
      try await expireLog(in: archive)
      try await prune(archive.repository)
    }
    return .nothing
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
      let report = try await repository.prune()
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
