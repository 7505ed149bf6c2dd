import ArgumentParser
import Repository

/// The one program: controller, steps and PostgreSQL's `restore_command`.
@main
struct Tidemark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tidemark", abstract: "Backs up PostgreSQL on Kubernetes and brings it back to any moment.",
    version: Version.text,
    subcommands: [ControllerCommand.self, StepSubcommand.self, WALCommand.self, VersionCommand.self])

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
      exit(withError: error)
    }
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
