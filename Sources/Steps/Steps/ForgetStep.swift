import Logging
import ObjectStore
import PostgresEngine
import Repository

/// `forget`: removes a snapshot, and then the log that nothing needs any more without it.
///
/// Both may be run again: a snapshot that is gone already is success, and what was removed is not there to be removed.
struct ForgetStep {
  let input: ForgetInput
  let folder: StepFolder
  let logger: Logger

  func run() async throws -> StepProduct {
    guard let id = SnapshotID(input.snapshot) else {
      throw StepError(
        code: .invalidInput, message: "'\(input.snapshot)' is no snapshot; expected 64 hexadecimal digits")
    }
    let password = try input.store.password(in: folder)
    guard let database = input.database else {
      try await input.store.withStore(in: folder, at: input.repositoryPrefix) { store in
        try await Repository.open(in: store, password: password, options: DatabaseArchive.options(logger)).forget(id)
      }
      return .nothing
    }
    try await input.store.withStore(in: folder, at: database.prefix) { store in
      let archive = try await DatabaseArchive.open(store, password: password, logger: logger)
      try await archive.repository.forget(id)
      try await expireLog(in: archive)
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
}
