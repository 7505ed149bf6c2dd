import ArgumentParser

/// Measures Tidemark beside what people use today. Each part lies in a file of its own.
@main
struct Bench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tidemark-bench",
    abstract: "Measures Tidemark's parts, side by side with their peers where there are any.",
    subcommands: [
      AllBenches.self, RepositoryBench.self, RuntimeBench.self, RESTBench.self, RepositoryWorker.self,
      RuntimeWorker.self,
    ],
    defaultSubcommand: AllBenches.self)
}
