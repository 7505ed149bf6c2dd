import ArgumentParser
import Foundation
import Steps

/// `tidemark prepare-instance`: the first container of an instance's pod, on the volume that its server then uses.
struct PrepareInstanceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prepare-instance", abstract: "Place this program beside a PostgreSQL server, for restore_command.",
    shouldDisplay: false)

  @Option(help: "The folder for the program and its libraries.")
  var programDirectory: String

  @Option(help: "The server's data directory.")
  var dataDirectory: String

  func run() async throws {
    try await ProgramCopy(of: OwnProgram.path(), in: programDirectory).make()
    // Volumes that are given to a group get its rights in each file; PostgreSQL refuses a directory that others may
    // write to.
    guard FileManager.default.fileExists(atPath: dataDirectory) else { return }
    try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: dataDirectory)
  }
}
