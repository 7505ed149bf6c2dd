/// Ceph's S3 gateway, as `hack/s3` starts it.
public struct TestS3: Sendable {
  /// An access key and its secret.
  public struct Keys: Sendable {
    /// The public half.
    public let accessKey: String
    /// The secret half.
    public let secretKey: String
  }

  /// `http://127.0.0.1:PORT`.
  public let endpoint: String
  /// `https://127.0.0.1:PORT`: the same server.
  public let tlsEndpoint: String
  /// The certificate of the authority behind `tlsEndpoint`, which nobody trusts by himself.
  public let caFile: String
  /// The region that signatures name.
  public let region: String
  /// A request to the host `BUCKET.<virtualHost>` is one in virtual addressing. The name does not resolve.
  public let virtualHost: String
  /// The user who owns the buckets.
  public let keys: Keys
  /// A user who has no right to them.
  public let otherKeys: Keys
  /// The folder of the server: `hack/s3 … --dir` takes it.
  public let directory: String

  /// Starts a server for one test. Up to `gigabytes` of objects lie in memory.
  public static func start(gigabytes: Int = 16) async throws -> TestS3 {
    try await start(in: ScratchDirectory("s3").path, gigabytes: gigabytes)
  }

  static func start(in directory: String, gigabytes: Int = 16) async throws -> TestS3 {
    try await HackScript.run("s3", ["up", "--dir", directory, "--size", String(gigabytes)])
    let values = try HackScript.environment(in: directory)
    return TestS3(
      endpoint: try values.required("S3_ENDPOINT"), tlsEndpoint: try values.required("S3_TLS_ENDPOINT"),
      caFile: try values.required("S3_CA_FILE"), region: try values.required("S3_REGION"),
      virtualHost: try values.required("S3_VIRTUAL_HOST"),
      keys: Keys(
        accessKey: try values.required("AWS_ACCESS_KEY_ID"), secretKey: try values.required("AWS_SECRET_ACCESS_KEY")),
      otherKeys: Keys(
        accessKey: try values.required("S3_OTHER_ACCESS_KEY_ID"),
        secretKey: try values.required("S3_OTHER_SECRET_ACCESS_KEY")),
      directory: directory)
  }

  /// The port of `endpoint` on 127.0.0.1, for a `FaultProxy`.
  public var port: Int { endpoint.split(separator: ":").last.flatMap { Int($0) } ?? 0 }

  /// The port of `tlsEndpoint`.
  public var tlsPort: Int { tlsEndpoint.split(separator: ":").last.flatMap { Int($0) } ?? 0 }

  /// Makes a bucket with a name that nobody has, and gives the name.
  public func makeBucket(_ name: String = "test") async throws -> String {
    let unique = "\(name)-\(String(UInt64.random(in: 0 ... .max), radix: 36))"
    try await HackScript.run("s3", ["mkbucket", "--dir", directory, unique])
    return unique
  }

  /// A signed request by curl, to compare with: `curl("/bucket/key", "-X", "DELETE")`. An HTTP error throws.
  @discardableResult
  public func curl(_ path: String, _ arguments: String...) async throws -> String {
    try await HackScript.run("s3", ["curl", "--dir", directory, path] + arguments)
  }

  /// What restic and other programs want in their environment to reach this server.
  public var environment: [String: String] {
    ["AWS_ACCESS_KEY_ID": keys.accessKey, "AWS_SECRET_ACCESS_KEY": keys.secretKey, "AWS_DEFAULT_REGION": region]
  }

  /// Ends the gateway; the objects stay. Clients get 'connection refused' from now on.
  public func stop() async throws { try await HackScript.run("s3", ["stop", "--dir", directory]) }

  /// Starts the gateway again, on the same port.
  public func start() async throws { try await HackScript.run("s3", ["start", "--dir", directory]) }

  /// Kills the gateway in the middle of whatever it does; the objects stay.
  public func kill9() async throws { try await HackScript.run("s3", ["kill9", "--dir", directory]) }

  /// The gateway takes connections, but answers nothing until `thaw()`.
  public func freeze() async throws { try await HackScript.run("s3", ["freeze", "--dir", directory]) }

  /// Ends `freeze()`.
  public func thaw() async throws { try await HackScript.run("s3", ["thaw", "--dir", directory]) }

  /// Ends the whole server and deletes its objects: for servers of one test.
  public func remove() async throws { try await HackScript.run("s3", ["down", "--remove", "--dir", directory]) }
}
