import ArgumentParser

/// All parts, one after the other. A part that fails says so and does not keep the next from running.
struct AllBenches: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "all",
    abstract: "Measures the repository, the runtime and the REST API; what runs without a subcommand.")

  @OptionGroup var repository: RepositoryBench
  @OptionGroup var runtime: RuntimeBench
  @OptionGroup var rest: RESTBench

  func run() async throws {
    var failed: [String] = []
    for part in [repository, runtime, rest] as [any AsyncParsableCommand] {
      let name = type(of: part).configuration.commandName ?? "\(type(of: part))"
      var part = part
      do {
        try await part.run()
      } catch {
        failed.append(name)
        say("\(name) FAILED: \(error)")
      }
    }
    guard failed.isEmpty else {
      say("without figures: \(failed.joined(separator: ", ")); the reasons stand above")
      throw ExitCode.failure
    }
  }
}
