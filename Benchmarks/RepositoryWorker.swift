import ArgumentParser
import ObjectStore
import Repository

/// Tidemark's side of a measurement, in a process of its own so that the system counts what it uses.
struct RepositoryWorker: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "repository-worker", abstract: "Does one backup, restore or prune; the benchmark runs it.",
    shouldDisplay: false)

  enum Work: String, ExpressibleByArgument { case `init`, backup, restore, forget, prune }

  @Argument var work: Work
  @Argument var prefix: String
  @Argument var path = ""
  @Flag var synced = false

  func run() async throws {
    ProcessMemory.boundHeaps()
    try await BenchS3.withStore { store in
      let place = store.scoped(to: prefix)
      let password = RepositoryPassword("bench")
      switch work {
      case .`init`: _ = try await Repository.create(in: place, password: password)
      case .backup:
        let repository = try await Repository.open(in: place, password: password)
        let lock = try await repository.lock(.shared)
        let parent = try await repository.snapshots().last
        let report = try await Archiver(repository: repository).archive(
          ByteString(path), as: SnapshotDescription(paths: [path]), parent: parent)
        try await lock.release()
        guard report.problemCount == 0 else { throw BenchError("the backup had problems: \(report.problems)") }
      case .forget:
        let repository = try await Repository.open(in: place, password: password)
        guard let kept = Int(path) else { throw BenchError("'\(path)' is no number of snapshots") }
        try await repository.forget(try await repository.snapshots().dropLast(kept).compactMap(\.id))
      case .prune: _ = try await Repository.open(in: place, password: password).prune()
      case .restore:
        let repository = try await Repository.open(in: place, password: password)
        let lock = try await repository.lock(.shared)
        guard let snapshot = try await repository.snapshots().last else { throw BenchError("there is no snapshot") }
        try await repository.loadIndex()
        var options = Restorer.Options()
        options.durability = synced ? .synced : .handedOver
        let report = try await Restorer(repository: repository, options: options).restore(
          snapshot, to: ByteString(path))
        try await lock.release()
        guard report.problemCount == 0 else { throw BenchError("the restore had problems: \(report.problems)") }
      }
    }
  }
}
