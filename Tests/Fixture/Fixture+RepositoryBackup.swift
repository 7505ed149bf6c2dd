import ArgumentParser
import Foundation
import ObjectStore
import Repository
import TestSupport

/// Backs up a directory into a repository in another directory, or in a bucket: a process that a test can kill.
///
/// The password comes from the environment variable TIDEMARK_FIXTURE_PASSWORD.
struct RepositoryBackup: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "repository-backup")

  @Option(help: "The root of the repository: a directory, or with --bucket a prefix.")
  var repository: String

  @Option(help: "A file that says where the bucket is, in place of a directory.")
  var bucket: String?

  @Option(help: "The directory to back up.")
  var source: String

  @Option(help: "Bytes of a pack at most.")
  var packSize = 16 << 20

  @Option(help: "Milliseconds that a pack may wait for its index file.")
  var indexInterval = 30_000

  func run() async throws {
    var options = RepositoryOptions()
    options.packSize = packSize
    options.indexInterval = .milliseconds(indexInterval)
    options.lockSettleTime = .milliseconds(1)
    let password = ProcessInfo.processInfo.environment["TIDEMARK_FIXTURE_PASSWORD"] ?? ""
    let repository = try await Repository.open(
      in: try store(), password: RepositoryPassword(password), options: options)
    let report = try await repository.withLock(.shared) { _ in
      try await Archiver(repository: repository).archive(
        ByteString(source), as: SnapshotDescription(paths: [source], tags: ["fixture"]))
    }
    print(report.snapshot.id?.description ?? "")
  }

  private func store() throws -> any ObjectStore {
    guard let bucket else { return DirectoryStore(root: repository) }
    return try FixtureBucket.read(bucket).store().scoped(to: repository)
  }
}
