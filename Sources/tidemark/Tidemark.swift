import ArgumentParser
import Foundation
import PostgresEngine
import Repository

/// The one program: controller, steps and PostgreSQL's `restore_command`.
@main
struct Tidemark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tidemark", abstract: "Backs up PostgreSQL on Kubernetes and brings it back to any moment.",
    version: Version.text,
    subcommands: [
      ControllerCommand.self, APICommand.self, OpenAPICommand.self, StepSubcommand.self, WALCommand.self,
      PrepareInstanceCommand.self, VersionCommand.self,
    ])

  static func main() async {
    ProcessMemory.boundHeaps()
    do {
      var command = try parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
      FileHandle.standardError.write(Data((fullMessage(for: error) + "\n").utf8))
      Foundation.exit(usageExitCode)
    }
  }

  /// 2, but for `restore_command`: PostgreSQL takes anything below 126 for the end of the log.
  private static var usageExitCode: Int32 {
    CommandLine.arguments.dropFirst().starts(with: ["wal", "fetch"]) ? WALFetch.Outcome.failed.rawValue : 2
  }
}

/// The version that this program was built as.
enum Version {
  static let text = "0.1.0"
}

/// `tidemark version`.
struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

  func run() { print("tidemark \(Version.text)") }
}
