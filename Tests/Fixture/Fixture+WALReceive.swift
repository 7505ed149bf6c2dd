import ArgumentParser
import Foundation
import Logging
import ObjectStore
import PostgresEngine
import Repository

/// A WAL receiver in a process of its own, for tests to kill.
struct FixtureWALReceive: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "wal-receive")

  @Option var config: String
  @Option var port: Int
  @Option var user: String
  @Option var slot = "tidemark"
  @Option var flushMilliseconds = 200
  @Option var incarnation: String?

  func run() async throws {
    let archive = try FixtureArchive.read(config)
    let (store, key) = try await archive.open()
    let password = ProcessInfo.processInfo.environment["TIDEMARK_FIXTURE_PASSWORD"]
    let receiver = WALReceiver(
      configuration: .init(
        connection: .init(host: "127.0.0.1", port: port, user: user, password: password.map { .init($0) }),
        slot: slot, incarnation: incarnation.flatMap { IncarnationID($0) },
        flushInterval: .milliseconds(flushMilliseconds)),
      store: store, key: key, logger: Logger(label: "wal-receive")
    ) { status in
      guard let line = try? JSONEncoder().encode(status) else { return }
      FileHandle.standardOutput.write(line + Data("\n".utf8))
    }
    try await receiver.run()
  }
}
