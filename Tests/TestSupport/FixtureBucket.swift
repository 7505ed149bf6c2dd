/// A bucket of a test's S3 server, as `tidemark-fixture` reads it from a JSON file.
public struct FixtureBucket: Codable, Sendable {
  /// `http://127.0.0.1:PORT`.
  public var endpoint: String
  /// The region that signatures name.
  public var region: String
  /// The bucket's name.
  public var bucket: String
  /// The public half of the key.
  public var accessKey: String
  /// The secret half.
  public var secretKey: String
  /// Requests for one operation at most; nil: as many as the store makes by itself.
  public var attempts: Int?
}

extension TestS3 {
  /// `bucket` of this server, reached at `endpoint` (a proxy's, where it is not the server's own).
  public func fixture(_ bucket: String, endpoint: String? = nil, attempts: Int? = nil) -> FixtureBucket {
    FixtureBucket(
      endpoint: endpoint ?? self.endpoint, region: region, bucket: bucket, accessKey: keys.accessKey,
      secretKey: keys.secretKey, attempts: attempts)
  }
}
