import Glibc
import ObjectStore

/// The S3 server of a benchmark: the one that `S3_ENDPOINT` names (see `hack/s3 env`), else one of its own.
struct BenchS3 {
  static let bucket = "bench"

  /// What children need to reach it, as `KEY=VALUE`.
  let environment: [String]
  private let folder: String?
  private let values: [String: String]

  init(folder: BenchFolder) throws {
    if getenv("S3_ENDPOINT") != nil {
      self.folder = nil
      values = try Self.required { name in getenv(name).map { String(cString: $0) } }
    } else {
      say("starting an S3 server")
      let path = folder.path("s3")
      try run([Self.script, "up", "--dir", path, "--bucket", Self.bucket, "--owner-pid", "\(getpid())"])
      let lines = try Self.lines(of: "\(path)/env")
      values = try Self.required { name in
        lines.first { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.count + 1)) }
      }
      self.folder = path
    }
    environment = values.map { "\($0.key)=\($0.value)" }
  }

  /// Ends it, where it is one of our own.
  func stop() {
    guard let folder else { return }
    do {
      try run([Self.script, "down", "--dir", folder, "--remove"])
    } catch {
      say("the S3 server in \(folder) still runs: \(error)")
    }
  }

  /// The repository's place in restic's terms.
  func resticURL(_ prefix: String) -> String { "s3:\(values["S3_ENDPOINT"] ?? "")/\(Self.bucket)/\(prefix)" }

  /// Bytes of all objects of a repository.
  func storedBytes(_ prefix: String) async throws -> Int64 {
    try await Self.withStore(values) { store in
      var bytes: Int64 = 0
      for try await object in store.list(prefix: prefix + "/", startAfter: nil) { bytes += object.size }
      return bytes
    }
  }

  /// Removes all objects of a repository.
  func remove(_ prefix: String) async throws {
    try await Self.withStore(values) { store in
      var keys: [String] = []
      for try await object in store.list(prefix: prefix + "/", startAfter: nil) { keys.append(object.key) }
      try await store.delete(keys)
    }
  }

  /// Calls `body` with a store for the server that the environment names.
  static func withStore<Result>(_ body: (any ObjectStore) async throws -> Result) async throws -> Result {
    try await withStore(try required { name in getenv(name).map { String(cString: $0) } }, body)
  }

  private static func withStore<Result>(
    _ values: [String: String], _ body: (any ObjectStore) async throws -> Result
  ) async throws -> Result {
    let configuration = S3Configuration(
      endpoint: try S3Endpoint(url: values["S3_ENDPOINT"] ?? "", region: values["S3_REGION"] ?? ""), bucket: bucket)
    let store = try S3Store(
      configuration: configuration,
      credentials: S3Credentials(
        accessKeyID: values["AWS_ACCESS_KEY_ID"] ?? "", secretAccessKey: values["AWS_SECRET_ACCESS_KEY"] ?? ""))
    let result: Swift.Result<Result, any Error>
    do { result = .success(try await body(store)) } catch { result = .failure(error) }
    await store.shutdown()
    return try result.get()
  }

  private static func required(_ value: (String) -> String?) throws -> [String: String] {
    var values: [String: String] = [:]
    for name in ["S3_ENDPOINT", "S3_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
      guard let value = value(name) else { throw BenchError("\(name) is not set; 'hack/s3 env' says what to set") }
      values[name] = value
    }
    return values
  }

  private static func lines(of path: String) throws -> [Substring] {
    guard let file = fopen(path, "r") else { throw BenchError("'\(path)' is not there: the S3 server did not start") }
    defer { fclose(file) }
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    let count = fread(&buffer, 1, buffer.count, file)
    return String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n")
  }

  private static var script: String {
    let folder = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
    return "/\(folder)/hack/s3"
  }
}
