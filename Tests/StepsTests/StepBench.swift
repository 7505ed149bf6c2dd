import Foundation
import KubeModel
import ObjectStore
import PostgresEngine
import Repository
import Steps
import TestSupport
import TidemarkAPI

/// A server, a bucket, and what the step's process has to be told.
struct StepBench {
  /// Where the step reports its progress.
  enum StatusServer {
    /// Nobody listens.
    case refused
    /// Connections are taken, and nothing is ever answered.
    case stalled
  }

  let postgres: TestPostgres
  let s3: TestS3
  let bucket: String
  let scratch: ScratchDirectory
  let stalled: FaultProxy
  private let password = "a repository's password"

  static func start() async throws -> StepBench {
    let s3 = try await TestServers.s3()
    let stalled = try await FaultProxy.start(to: s3.port)
    stalled.inject(.stall(after: 0, .toServer))
    return StepBench(
      postgres: try await TestPostgres.start(), s3: s3, bucket: try await s3.makeBucket(),
      scratch: try ScratchDirectory("step"), stalled: stalled)
  }

  func end() async throws {
    try await postgres.remove()
    try await stalled.stop()
    scratch.remove()
  }

  /// Runs the step to its end, and gives what it produced.
  func run(uid: String, status: StatusServer) async throws -> BaseBackupProduct {
    _ = try await begin(uid: uid, status: status).wait(within: .seconds(180))
    guard case .done(.baseBackup(let product)) = try result(uid: uid) else {
      throw TestFailed("the step ended without a product: \(String(describing: try result(uid: uid)))")
    }
    try FileManager.default.removeItem(atPath: resultFile(uid))
    return product
  }

  func result(uid: String) throws -> StepResult? { try StepResult.read(from: resultFile(uid)) }

  private func resultFile(_ uid: String) -> String { scratch.file("result-\(uid).json") }

  func begin(uid: String, status: StatusServer) throws -> RunningProgram {
    let input = scratch.file("input-\(uid).json")
    try JSONEncoder().encode(try self.input(uid, status)).write(to: URL(fileURLWithPath: input))
    return try RunningProgram.start(
      builtProgram("tidemark"), ["step", "base-backup", "--input", input, "--result", resultFile(uid)])
  }

  /// Runs `forget` to its end: of a snapshot, or of what was made for a Backup.
  func forget(_ snapshot: String? = nil, backup: String? = nil) async throws -> StepResult? {
    let input = ForgetInput(
      store: try store(), repositoryPrefix: database.repositoryPrefix, snapshot: snapshot, backup: backup,
      database: database)
    let (inputFile, result) = (scratch.file("forget.json"), scratch.file("forgotten.json"))
    try JSONEncoder().encode(input).write(to: URL(fileURLWithPath: inputFile))
    try await RunningProgram.run(
      builtProgram("tidemark"), ["step", "forget", "--input", inputFile, "--result", result])
    return try StepResult.read(from: result)
  }

  private var database: DatabasePlace { DatabasePlace(namespace: "team", name: "shop") }

  private func store() throws -> StoreInput {
    StoreInput(
      endpoint: s3.endpoint, region: s3.region, bucket: bucket, prefix: "", addressingStyle: .path,
      accessKeyIDFile: try secret("access", s3.keys.accessKey),
      secretAccessKeyFile: try secret("secret", s3.keys.secretKey), insecureSkipVerify: false,
      passwordFile: try secret("password", password))
  }

  private func input(_ uid: String, _ status: StatusServer) throws -> BaseBackupInput {
    guard let served = ServedResource(ObjectMeta(name: "nightly", namespace: "team", uid: uid)) else {
      throw TestFailed("a resource with a uid is one that can be served")
    }
    let port = status == .refused ? 1 : stalled.port
    let server = ServerInput(
      host: postgres.host, port: postgres.port, database: "postgres", sslMode: .prefer,
      usernameFile: try secret("user", postgres.replicationUser),
      passwordFile: try secret("login", postgres.replicationPassword))
    return BaseBackupInput(
      backup: served, cluster: ClusterAccess(kubeconfig: try kubeconfig(port)), store: try store(),
      database: database, server: server)
  }

  private func secret(_ name: String, _ text: String) throws -> String {
    try text.write(toFile: scratch.file(name), atomically: true, encoding: .utf8)
    return scratch.file(name)
  }

  private func kubeconfig(_ port: Int) throws -> String {
    try secret(
      "kubeconfig-\(port)",
      """
      apiVersion: v1
      kind: Config
      clusters: [{ name: c, cluster: { server: "http://127.0.0.1:\(port)" } }]
      users: [{ name: u, user: { token: t } }]
      contexts: [{ name: x, context: { cluster: c, user: u } }]
      current-context: x
      """)
  }

  /// What the stock program has to know.
  private var resticEnvironment: [String: String] {
    s3.environment.merging(
      [
        "RESTIC_REPOSITORY": "s3:\(s3.endpoint)/\(bucket)/\(database.repositoryPrefix.dropLast())",
        "RESTIC_PASSWORD": password, "HOME": "/tmp",
      ]) { _, new in new }
  }

  /// Runs the stock program on the repository.
  @discardableResult
  func restic(_ arguments: String...) async throws -> String {
    try await RunningProgram.run("restic", arguments + ["--no-cache"], environment: resticEnvironment).output
  }

  /// The names of the packs.
  func packs() async throws -> Set<String> {
    Set(try await restic("list", "packs", "--no-lock").split(separator: "\n").map(String.init))
  }

  /// The size of all packs together.
  func packBytes() async throws -> Int64 {
    let (_, store) = try await repository()
    var bytes: Int64 = 0
    for try await object in store.list(prefix: database.repositoryPrefix + "data/", startAfter: nil) {
      bytes += object.size
    }
    await store.shutdown()
    return bytes
  }

  /// The repository, opened in this process.
  func repository() async throws -> (Repository, S3Store) {
    let store = try S3Store(
      configuration: S3Configuration(
        endpoint: try S3Endpoint(url: s3.endpoint, region: s3.region), bucket: bucket, addressing: .path),
      credentials: S3Credentials(accessKeyID: s3.keys.accessKey, secretAccessKey: s3.keys.secretKey))
    let repository = try await Repository.open(
      in: store.scoped(to: database.repositoryPrefix), password: RepositoryPassword(password))
    return (repository, store)
  }

  /// The ids of the snapshots, as the stock program lists them; none where there is no repository yet.
  func snapshots() async throws -> [String] {
    let restic = try RunningProgram.start(
      "restic", ["snapshots", "--json", "--no-cache", "--no-lock"], environment: resticEnvironment)
    let outcome = try await restic.wait(within: .seconds(60))
    guard outcome.ending == .exited(0) else { return [] }
    struct Entry: Decodable { var id: String }
    return try JSONDecoder().decode([Entry].self, from: Data(outcome.output.utf8)).map(\.id)
  }
}

struct TestFailed: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
