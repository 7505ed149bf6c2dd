import ObjectStore
import TestSupport

extension ArchivedDatabase {
  /// Runs `body` with a server whose archive lies in a bucket of an S3 server of the test's own, to stop and to kill.
  ///
  /// `attempts` is for the fixture's programs: requests for one operation at most.
  static func onS3(
    attempts: Int? = nil, _ change: (inout TestPostgres.Options) -> Void,
    _ body: (ArchivedDatabase, TestS3) async throws -> Void
  ) async throws {
    let s3 = try await TestS3.start(gigabytes: 2)
    let bucket = try await s3.makeBucket("archive")
    let store = try S3Store(
      configuration: S3Configuration(
        endpoint: try S3Endpoint(url: s3.endpoint, region: s3.region), bucket: bucket, addressing: .path),
      credentials: S3Credentials(accessKeyID: s3.keys.accessKey, secretAccessKey: s3.keys.secretKey))
    let result: Result<Void, any Error>
    do {
      let server = try await TestPostgres.start(change)
      let database = try await archive(server, in: store, s3.fixture(bucket, attempts: attempts))
      try await body(database, s3)
      try await database.remove()
      result = .success(())
    } catch {
      result = .failure(error)
    }
    await store.shutdown()
    try await s3.remove()
    try result.get()
  }
}
