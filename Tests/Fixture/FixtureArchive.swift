import Foundation
import ObjectStore
import PostgresEngine
import Repository
import TestSupport

extension FixtureBucket {
  func store() throws -> S3Store {
    var configuration = S3Configuration(
      endpoint: try S3Endpoint(url: endpoint, region: region), bucket: bucket, addressing: .path)
    if let attempts { configuration.retry.attempts = attempts }
    return try S3Store(
      configuration: configuration,
      credentials: S3Credentials(accessKeyID: accessKey, secretAccessKey: secretKey))
  }

  static func read(_ path: String) throws -> FixtureBucket {
    try JSONDecoder().decode(FixtureBucket.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
  }
}

/// Where a fixture finds a database's archive: JSON in a file.
struct FixtureArchive: Codable {
  /// The root of a `DirectoryStore`, which is the database's prefix.
  var root: String
  /// In place of `root`.
  var bucket: FixtureBucket?
  var password: String
  var fetch: WALFetch.Configuration?

  static func read(_ path: String) throws -> FixtureArchive {
    try JSONDecoder().decode(FixtureArchive.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
  }

  @Sendable func open() async throws -> (store: any ObjectStore, key: RepositoryKey) {
    let store: any ObjectStore = if let bucket { try bucket.store() } else { DirectoryStore(root: root) }
    let repository = try await Repository.open(in: store.scoped(to: "repo"), password: RepositoryPassword(password))
    return (store, repository.key)
  }
}
