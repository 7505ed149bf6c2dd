import ArgumentParser

/// Programs that tests run beside themselves, to kill them or to be served by them.
@main
struct Fixture: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tidemark-fixture", subcommands: [RepositoryBackup.self])
}
