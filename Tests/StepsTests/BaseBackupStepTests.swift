import Foundation
import KubeModel
import PostgresEngine
import Steps
import TestSupport
import Testing
import TidemarkAPI

@Suite("The step base-backup", .serialized)
struct BaseBackupStepTests {
  @Test("run twice for one Backup, it makes one snapshot, and the product is the same")
  func twice() async throws {
    let bench = try await StepBench.start()
    let first = try await bench.run(uid: "one", status: .refused)
    #expect(try await bench.snapshots().count == 1)
    try await bench.postgres.psql("CREATE TABLE later AS SELECT generate_series(1, 10000) AS i")
    let again = try await bench.run(uid: "one", status: .refused)
    #expect(again == first)
    #expect(first.size.stored > 0 && first.size.added >= first.size.stored)
    #expect(try await bench.snapshots() == [first.snapshot])
    // Another Backup gets a snapshot of its own.
    let other = try await bench.run(uid: "two", status: .refused)
    #expect(other.snapshot != first.snapshot)
    #expect(Set(try await bench.snapshots()) == [first.snapshot, other.snapshot])
    try await bench.end()
  }

  @Test("killed between its snapshot and its result, it finds the snapshot and takes no other")
  func killedBehindTheSnapshot() async throws {
    let bench = try await StepBench.start()
    // The last report on the way to the result hangs, as an API server that stands still makes it.
    let step = try bench.begin(uid: "one", status: .stalled)
    let made = try await eventually(within: .seconds(120), "the snapshot is there") {
      try await bench.snapshots().first
    }
    #expect(try bench.result(uid: "one") == nil, "the step has ended already")
    try await step.kill()
    #expect(try bench.result(uid: "one") == nil)
    let product = try await bench.run(uid: "one", status: .refused)
    #expect(product.snapshot == made)
    #expect(try await bench.snapshots() == [made])
    #expect(product.size.logical > 0 && product.size.stored > 0)
    try await bench.end()
  }
}

/// A server, a bucket, and what the step's process has to be told.
private struct StepBench {
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

  private func input(_ uid: String, _ status: StatusServer) throws -> BaseBackupInput {
    guard let served = ServedResource(ObjectMeta(name: "nightly", namespace: "team", uid: uid)) else {
      throw TestFailed("a resource with a uid is one that can be served")
    }
    let port = status == .refused ? 1 : stalled.port
    let store = StoreInput(
      endpoint: s3.endpoint, region: s3.region, bucket: bucket, prefix: "", addressingStyle: .path,
      accessKeyIDFile: try secret("access", s3.keys.accessKey),
      secretAccessKeyFile: try secret("secret", s3.keys.secretKey), insecureSkipVerify: false,
      passwordFile: try secret("password", password))
    let server = ServerInput(
      host: postgres.host, port: postgres.port, database: "postgres", sslMode: .prefer,
      usernameFile: try secret("user", postgres.replicationUser),
      passwordFile: try secret("login", postgres.replicationPassword))
    return BaseBackupInput(
      backup: served, cluster: ClusterAccess(kubeconfig: try kubeconfig(port)), store: store,
      database: DatabasePlace(namespace: "team", name: "shop"), server: server)
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

  /// The ids of the snapshots, as the stock program lists them; none where there is no repository yet.
  func snapshots() async throws -> [String] {
    let environment = s3.environment.merging(
      [
        "RESTIC_REPOSITORY": "s3:\(s3.endpoint)/\(bucket)/databases/team/shop/repo", "RESTIC_PASSWORD": password,
        "HOME": "/tmp",
      ]) { _, new in new }
    let restic = try RunningProgram.start(
      "restic", ["snapshots", "--json", "--no-cache", "--no-lock"], environment: environment)
    let outcome = try await restic.wait(within: .seconds(60))
    guard outcome.ending == .exited(0) else { return [] }
    struct Entry: Decodable { var id: String }
    return try JSONDecoder().decode([Entry].self, from: Data(outcome.output.utf8)).map(\.id)
  }
}

private struct TestFailed: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
