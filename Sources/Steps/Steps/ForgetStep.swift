import Logging
import Repository

/// `forget`: removes a snapshot. One that is gone already is success, so that it may be run again.
struct ForgetStep {
  let input: ForgetInput
  let folder: StepFolder
  let logger: Logger

  func run() async throws -> StepProduct {
    try await input.store.withStore(in: folder, at: input.repositoryPrefix) { store in
      let repository = try await Repository.open(
        in: store, password: try input.store.password(in: folder), options: DatabaseArchive.options(logger))
      guard let id = SnapshotID(input.snapshot) else {
        throw StepError(
          code: .invalidInput, message: "'\(input.snapshot)' is no snapshot; expected 64 hexadecimal digits")
      }
      try await repository.forget(id)
      return .nothing
    }
  }
}
