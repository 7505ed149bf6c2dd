public import ArgumentParser
import Logging
public import Steps
import UnixSignals

/// `tidemark step NAME --input FILE [--result FILE] [--termination-message FILE]`.
struct StepSubcommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "step", abstract: "Run one data operation.",
    discussion: "Exit codes: 0 done, 1 failed for good, 2 usage, 75 try again.")

  @Argument(help: "base-backup, wal-receive, restore-database, dump, import or forget.")
  var name: StepName

  @Option(help: "The step's input, a JSON file.")
  var input: String

  @Option(help: "The file that the result goes to.")
  var result: String?

  @Option(
    help: "The file of the pod's termination message: the result goes there, or to standard output what is longer.")
  var terminationMessage: String?

  func run() async throws {
    let logger = ProgramLog.make("tidemark.step")
    let command = StepCommand(
      name, input: input, result: result, terminationMessage: terminationMessage, logger: logger)
    let code = try await Interruptible.run { try await command.run() }
    throw ExitCode(code.rawValue)
  }
}

extension StepName: ExpressibleByArgument {}

/// Work that SIGTERM and SIGINT cancel.
enum Interruptible {
  /// Runs `body`; at the first signal its task is cancelled, and what it then returns is returned.
  static func run<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
    let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
    return try await withThrowingTaskGroup(of: Value?.self) { group in
      group.addTask { try await body() }
      group.addTask {
        for await _ in signals { return nil }
        return nil
      }
      while let ended = try await group.next() {
        if let value = ended {
          group.cancelAll()
          return value
        }
        group.cancelAll()
      }
      throw CancellationError()
    }
  }
}
