import Foundation
import TestSupport

/// Tidemark in a whole cluster, installed as a user does, beside a PostgreSQL that is not Tidemark's: a StatefulSet
/// `postgres` with the Services `postgres` (for applications) and `postgres-pods` (each server's own name).
///
/// The cluster and the S3 server are those of `hack/with-servers --cluster`; one namespace and one bucket are the bed's.
struct ClusterBed: Tenant {
  let kube: TestKube
  let s3: TestS3
  let namespace: String
  let bucket: String
  private let scratch: ScratchDirectory
  private let superuserPassword = UUID().uuidString

  /// The folder of the cluster: `hack/cluster … --dir` takes it; nil where there is none.
  static let directory = ProcessInfo.processInfo.environment["TIDEMARK_TEST_CLUSTER_DIR"]

  /// Installs Tidemark where it is not yet, and the database.
  init(_ name: String) async throws {
    kube = try await TestServers.kube()
    s3 = try await TestServers.s3()
    scratch = try ScratchDirectory("cluster-bed")
    bucket = try await s3.makeBucket()
    namespace = try await kube.makeNamespace(name)
    try await kube.kubectl("apply", "-f", Self.checkout("manifests/install.yaml"))
    try await rolledOut("deployment/tidemark", in: "tidemark-system")
    try await applyPostgres()
  }

  /// A path in the checkout that this was built from.
  static func checkout(_ path: String, here: String = #filePath) -> String {
    here.split(separator: "/").dropLast(3).map { "/" + $0 }.joined() + "/" + path
  }

  /// Waits until all pods of a workload are there, and ready.
  func rolledOut(_ workload: String, in namespace: String? = nil) async throws {
    let namespace = namespace ?? self.namespace
    do {
      let arguments = ["--namespace", namespace, "rollout", "status", workload, "--timeout=300s"]
      try await RunningProgram.run(
        kube.kubectlCommand[0], kube.kubectlCommand.dropFirst() + arguments, within: .seconds(330))
    } catch {
      let pods = try? await kube.kubectl("--namespace", namespace, "describe", "pods")
      throw BedFailed(error: error, log: pods ?? "")
    }
  }

  /// Runs `hack/cluster`.
  func cluster(_ command: String, _ program: String) async throws {
    guard let directory = Self.directory else { throw ClusterMissing() }
    try await RunningProgram.run(
      Self.checkout("hack/cluster"), [command, program, "--dir", directory], within: .seconds(300))
  }

  /// What the controllers log, and how things stand, for a failure's report.
  func told() async -> String {
    let logs = try? await kube.kubectl(
      "--namespace", "tidemark-system", "logs", "--tail=60", "--selector=app.kubernetes.io/name=tidemark")
    let pods = try? await kubectl("get", "pods,jobs,statefulsets,pvc,services", "-o", "wide")
    let ours = try? await kubectl("describe", "tidemark")
    return [pods, ours.map { String($0.suffix(6000)) }, logs].compactMap { $0 }.joined(separator: "\n")
  }

  /// Runs a part of a test; a failure says how the cluster stands.
  func part<Value>(_ body: () async throws -> Value) async throws -> Value {
    do {
      return try await body()
    } catch {
      throw BedFailed(error: error, log: await told())
    }
  }

  // MARK: The database

  /// As a team would have it that never heard of Tidemark, but for the role and its line in `pg_hba.conf`.
  private func applyPostgres() async throws {
    let path = Self.checkout("Tests/EndToEndTests/Manifests/postgres.yaml")
    let manifest = try String(contentsOfFile: path, encoding: .utf8)
    try await apply(
      manifest.replacing("${SUPERUSER_PASSWORD}", with: superuserPassword).replacing("${NAMESPACE}", with: namespace))
    try await rolledOut("statefulset/postgres")
  }

  /// Protects the database `shop`, by the destination `store`.
  func applyShopDatabase() async throws {
    try await apply(
      """
      apiVersion: tidemark.dev/v1alpha1
      kind: Database
      metadata: { name: shop }
      spec:
        connection:
          host: postgres-0.postgres-pods.\(namespace).svc
          database: shop
          secretName: shop-login
          adminSecretName: shop-admin
        serviceName: postgres
        workload: { kind: StatefulSet, name: postgres }
        pitr: { enabled: true, destinationName: store, flushInterval: 1s }
        instance: { storage: 2Gi }
      """)
    try await ready("database/shop", seconds: 180)
  }

  /// Asks the server behind a Service, or one of its pods (`pod.service`), as the superuser, from outside of the cluster.
  func ask(_ host: String, _ statement: String, database: String = "shop") async throws -> String {
    let environment = try await superuser(at: host).merging(["PGDATABASE": database]) { _, new in new }
    let output = try await RunningProgram.run(
      "\(Self.binaries)/psql", ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement],
      environment: environment, within: .seconds(60)
    ).output
    return output.split(separator: "\n").joined(separator: "\n")
  }

  /// The server's clock, as a resource writes it.
  func now(_ host: String = "postgres") async throws -> String {
    try await ask(host, #"SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"#)
  }

  /// Starts clients that write into the table `ledger` through the Service `postgres`.
  func openLedger() async throws -> Ledger {
    _ = try await ask("postgres", "CREATE TABLE ledger (id bigint PRIMARY KEY)")
    let environment = try await superuser(at: "postgres")
    return try Ledger.start(
      in: scratch.path, pgbench: "\(Self.binaries)/pgbench", address: ":", environment: environment)
  }

  private func superuser(at host: String) async throws -> [String: String] {
    [
      "PGHOST": try await address(of: host), "PGPORT": "5432", "PGUSER": "postgres", "PGPASSWORD": superuserPassword,
      "PGCONNECT_TIMEOUT": "5",
    ]
  }

  /// Names of Services resolve in pods only, their addresses are reached from everywhere: `service`, `pod.service`, with
  /// or without `.namespace.svc`.
  private func address(of host: String) async throws -> String {
    let parts = host.replacing(".\(namespace).svc", with: "").split(separator: ".").map(String.init)
    guard parts.count == 1 else { return try await field("pod/\(parts[0])", ".status.podIP") }
    return try await field("service/\(parts[0])", ".spec.clusterIP")
  }

  /// PostgreSQL's programs on this machine: the newest that Debian has.
  private static let binaries: String = {
    let versions = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")) ?? []
    return "/usr/lib/postgresql/\(versions.max { (Int($0) ?? 0) < (Int($1) ?? 0) } ?? "15")/bin"
  }()
}

/// A test of a cluster ran without one.
struct ClusterMissing: Error, CustomStringConvertible {
  var description: String { "there is no cluster: run make test-cluster" }
}
