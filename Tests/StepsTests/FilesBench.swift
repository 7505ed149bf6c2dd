import Foundation
import KubeModel
import NIOCore
import ObjectStore
import Steps
import TestSupport
import TidemarkAPI

/// A destination, and a folder for inputs, results and volumes, for steps of volumes and buckets that run as processes.
struct FilesBench {
  let s3: TestS3
  /// The destination's bucket.
  let bucket: String
  let scratch: ScratchDirectory
  let place = "applications/team/deployment/web/repo/"
  private let password = "a repository's password"

  static func with<Value>(_ body: (FilesBench) async throws -> Value) async throws -> Value {
    let s3 = try await TestServers.s3()
    let bench = FilesBench(s3: s3, bucket: try await s3.makeBucket(), scratch: try ScratchDirectory("files"))
    defer { bench.scratch.remove() }
    return try await body(bench)
  }

  // MARK: Steps

  /// Runs a step to its end, and gives its result.
  func run(_ step: StepName, _ input: some Encodable) async throws -> StepResult? {
    let number = UInt32.random(in: 0 ... .max)
    let (file, result) = (scratch.file("input-\(number).json"), scratch.file("result-\(number).json"))
    try JSONEncoder().encode(input).write(to: URL(fileURLWithPath: file))
    let program = try RunningProgram.start(
      builtProgram("tidemark"), ["step", step.rawValue, "--input", file, "--result", result])
    _ = try await program.wait(within: .seconds(180))
    return try StepResult.read(from: result)
  }

  /// The product of a backup; throws where it is none.
  func backUp(_ step: StepName, _ input: some Encodable) async throws -> FilesProduct {
    let result = try await run(step, input)
    guard case .done(.files(let product)) = result else {
      throw TestFailed("the step ended without a product: \(String(describing: result))")
    }
    return product
  }

  /// What a restore wrote; throws where it did not come to its end.
  func restore(_ step: StepName, _ input: some Encodable) async throws -> RestoredFiles {
    let result = try await run(step, input)
    guard case .done(.restoredFiles(let product)) = result else {
      throw TestFailed("the step ended without a product: \(String(describing: result))")
    }
    return product
  }

  func served(_ uid: String) throws -> ServedResource {
    guard let served = ServedResource(ObjectMeta(name: "nightly", namespace: "team", uid: uid)) else {
      throw TestFailed("a resource with a uid is one that can be served")
    }
    return served
  }

  /// An API server where nobody listens: a step does not hang on it.
  var cluster: ClusterAccess {
    get throws {
      ClusterAccess(
        kubeconfig: try file(
          "kubeconfig",
          """
          apiVersion: v1
          kind: Config
          clusters: [{ name: c, cluster: { server: "http://127.0.0.1:1" } }]
          users: [{ name: u, user: { token: t } }]
          contexts: [{ name: x, context: { cluster: c, user: u } }]
          current-context: x
          """))
    }
  }

  /// The S3 server's bucket `name`, as an input has it.
  func store(_ name: String? = nil, prefix: String = "") throws -> StoreInput {
    StoreInput(
      endpoint: s3.endpoint, region: s3.region, bucket: name ?? bucket, prefix: prefix, addressingStyle: .path,
      accessKeyIDFile: try file("access", s3.keys.accessKey),
      secretAccessKeyFile: try file("secret", s3.keys.secretKey), insecureSkipVerify: false,
      passwordFile: try file("password", password))
  }

  func file(_ name: String, _ text: String) throws -> String {
    try text.write(toFile: scratch.file(name), atomically: true, encoding: .utf8)
    return scratch.file(name)
  }

  // MARK: What came of them

  /// Runs the stock program on the repository.
  @discardableResult
  func restic(_ arguments: String...) async throws -> String {
    let environment = s3.environment.merging(
      [
        "RESTIC_REPOSITORY": "s3:\(s3.endpoint)/\(bucket)/\(place.dropLast())", "RESTIC_PASSWORD": password,
        "HOME": "/tmp",
      ]) { _, new in new }
    return try await RunningProgram.run("restic", arguments + ["--no-cache"], environment: environment).output
  }

  /// Runs `body` with a bucket of the server.
  func withBucket<Value>(_ name: String, _ body: (S3Store) async throws -> Value) async throws -> Value {
    let store = try S3Store(
      configuration: S3Configuration(
        endpoint: try S3Endpoint(url: s3.endpoint, region: s3.region), bucket: name, addressing: .path),
      credentials: S3Credentials(accessKeyID: s3.keys.accessKey, secretAccessKey: s3.keys.secretKey))
    do {
      let value = try await body(store)
      await store.shutdown()
      return value
    } catch {
      await store.shutdown()
      throw error
    }
  }

  /// What `find` tells of a folder: a line an entry, with type, mode, owner, size and link.
  func listing(_ folder: String) async throws -> [String] {
    try await RunningProgram.run(
      "find", [folder, "-mindepth", "1", "-printf", "%P %y %m %U %G %T@ %l\n"]
    ).output.split(separator: "\n").map(String.init).sorted()
  }
}

/// A text as a stream of one piece.
func bytes(_ text: String) -> AsyncStream<ByteBuffer> {
  AsyncStream { continuation in
    continuation.yield(ByteBuffer(string: text))
    continuation.finish()
  }
}
