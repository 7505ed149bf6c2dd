import ArgumentParser
import Foundation
import PostgresEngine

/// PostgreSQL's `restore_command` in tests.
struct FixtureWALFetch: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "wal-fetch")

  @Option var config: String
  @Argument var file: String
  @Argument var path: String

  func run() async throws {
    let archive = try FixtureArchive.read(config)
    guard let configuration = archive.fetch else { throw ValidationError("the configuration names no lineage") }
    let fetch = WALFetch(configuration, open: archive.open) { message in
      FileHandle.standardError.write(Data((message + "\n").utf8))
    }
    let outcome = await fetch.fetch(file, to: path) { [config, file] in
      try DetachedProcess.start(arguments: ["wal-prefetch", "--config", config, file])
    }
    throw ExitCode(outcome.rawValue)
  }
}

/// The process that fills the spool.
struct FixtureWALPrefetch: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "wal-prefetch")

  @Option var config: String
  @Argument var file: String

  func run() async throws {
    let archive = try FixtureArchive.read(config)
    guard let configuration = archive.fetch else { throw ValidationError("the configuration names no lineage") }
    try await WALPrefetch(configuration, patience: .seconds(10), open: archive.open).run(after: file)
  }
}
