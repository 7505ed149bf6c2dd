import ArgumentParser
import Foundation
import ObjectStore
import PostgresEngine
import Repository

/// Where a fixture finds a database's archive: JSON in a file.
struct FixtureArchive: Codable {
  /// A bucket of a test's S3 server.
  struct Bucket: Codable {
    var endpoint: String
    var region: String
    var bucket: String
    var accessKey: String
    var secretKey: String
  }

  /// The root of a `DirectoryStore`, which is the database's prefix.
  var root: String
  /// In place of `root`.
  var bucket: Bucket?
  var password: String
  var fetch: WALFetch.Configuration?

  static func read(_ path: String) throws -> FixtureArchive {
    try JSONDecoder().decode(FixtureArchive.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
  }

  private func makeStore() throws -> any ObjectStore {
    guard let bucket else { return DirectoryStore(root: root) }
    return try S3Store(
      configuration: S3Configuration(
        endpoint: try S3Endpoint(url: bucket.endpoint, region: bucket.region), bucket: bucket.bucket, addressing: .path),
      credentials: S3Credentials(accessKeyID: bucket.accessKey, secretAccessKey: bucket.secretKey))
  }

  @Sendable func open() async throws -> (store: any ObjectStore, key: RepositoryKey) {
    let store = try makeStore()
    let repository = try await Repository.open(in: store.scoped(to: "repo"), password: RepositoryPassword(password))
    return (store, repository.key)
  }
}

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
