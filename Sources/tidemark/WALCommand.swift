import ArgumentParser
import Foundation
import Logging
import PostgresEngine
import Steps

/// `tidemark wal …`: what PostgreSQL calls.
struct WALCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wal", abstract: "PostgreSQL's side of the archive.",
    subcommands: [WALFetchCommand.self, WALPrefetchCommand.self])
}

/// `tidemark wal fetch %f %p`: PostgreSQL's `restore_command`.
struct WALFetchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fetch", abstract: "Bring one file of the log (restore_command).",
    discussion: "Exit codes, by PostgreSQL's rules: 0 stored, 1 not in the archive, 255 could not be found out.")

  @Option(help: "The file that says where the archive lies.")
  var config: String

  @Argument(help: "The file that PostgreSQL asks for (%f).")
  var file: String

  @Argument(help: "Where it goes (%p).")
  var target: String

  func run() async throws {
    let complain: @Sendable (String) -> Void = { FileHandle.standardError.write(Data(($0 + "\n").utf8)) }
    let input: WALFetchInput
    do {
      input = try WALFetchInput.read(from: config)
    } catch {
      // Anything below 126 would tell PostgreSQL that the log ends here.
      complain("tidemark wal fetch \(file): \(error)")
      throw ExitCode(WALFetch.Outcome.failed.rawValue)
    }
    let opening = input.opening(configurationPath: config, logger: ProgramLog.make("tidemark.wal"))
    let fetch = WALFetch(input.configuration, open: opening, complain: complain)
    let (config, file) = (config, file)
    let outcome = await fetch.fetch(file, to: target) {
      try DetachedProcess.start(arguments: ["wal", "prefetch", "--config", config, file])
    }
    throw ExitCode(outcome.rawValue)
  }
}

/// `tidemark wal prefetch`: fills the spool ahead of PostgreSQL; started by `wal fetch`.
struct WALPrefetchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prefetch", abstract: "Fetch what PostgreSQL will ask for next.", shouldDisplay: false)

  @Option(help: "The file that says where the archive lies.")
  var config: String

  @Argument(help: "The file that PostgreSQL asked for last.")
  var file: String

  func run() async throws {
    let input = try WALFetchInput.read(from: config)
    let opening = input.opening(configurationPath: config, logger: ProgramLog.make("tidemark.wal"))
    try await WALPrefetch(input.configuration, open: opening).run(after: file)
  }
}
