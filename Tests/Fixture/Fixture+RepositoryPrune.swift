import ArgumentParser
import Foundation
import ObjectStore
import Repository

/// Prunes a repository in a directory down to what its snapshots need: a process that a test can kill.
///
/// The password comes from the environment variable TIDEMARK_FIXTURE_PASSWORD.
struct RepositoryPrune: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "repository-prune")

  @Option(help: "The root of the repository.")
  var repository: String

  @Option(help: "Bytes of a pack at most.")
  var packSize = 16 << 20

  @Option(help: "Percent that may stay unused.")
  var tolerance = 0.0

  func run() async throws {
    var options = RepositoryOptions()
    options.packSize = packSize
    options.lockSettleTime = .milliseconds(1)
    let password = ProcessInfo.processInfo.environment["TIDEMARK_FIXTURE_PASSWORD"] ?? ""
    let repository = try await Repository.open(
      in: DirectoryStore(root: repository), password: RepositoryPassword(password), options: options)
    var prune = PruneOptions()
    prune.tolerance = .percent(tolerance)
    let report = try await repository.prune(prune)
    print("freed \(report.bytesFreed) bytes, packed \(report.packsRepacked) packs again")
  }
}
