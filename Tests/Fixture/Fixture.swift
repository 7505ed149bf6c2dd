import ArgumentParser

/// What tests run beside themselves, to kill it or to be served by it. One file a subcommand.
@main
struct Fixture: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tidemark-fixture", abstract: "Programs for Tidemark's own tests.",
    subcommands: [
      LeaseHolder.self, RepositoryBackup.self, RepositoryMemory.self, RepositoryPrune.self, StorePut.self,
      FixtureWALFetch.self, FixtureWALPrefetch.self, FixtureWALReceive.self,
    ])
}
