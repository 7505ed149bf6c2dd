import Foundation
import ObjectStore
import PostgresEngine
import Repository
import TestSupport
import Testing

/// Not a promise but a measurement, on real S3: only where `TIDEMARK_BENCH_WAL` is set.
@Suite("WAL throughput", .serialized, .enabled(if: ProcessInfo.processInfo.environment["TIDEMARK_BENCH_WAL"] != nil))
struct WALThroughputTests {
  @Test("64 segments into the archive, and out of it through restore_command")
  func segments() async throws {
    let s3 = try await TestServers.s3()
    let bucket = try await s3.makeBucket("wal")
    let server = try await TestPostgres.start { $0.settings = ["max_wal_size": "8GB", "wal_keep_size": "4GB"] }
    let scratch = try ScratchDirectory("bench")
    let store = try S3Store(
      configuration: S3Configuration(
        endpoint: try S3Endpoint(url: s3.endpoint, region: s3.region), bucket: bucket, addressing: .path),
      credentials: S3Credentials(accessKeyID: s3.keys.accessKey, secretAccessKey: s3.keys.secretKey))
    let repository = try await Repository.create(in: store.scoped(to: "repo"), password: RepositoryPassword("bench"))
    try await server.psql("SELECT pg_create_physical_replication_slot('tidemark', true)")
    try await server.pgbench("-i", "-s", "95", "-q")
    try await server.psql("SELECT pg_switch_wal()")
    let config = scratch.file("config.json")
    let id = IncarnationID.root(
      systemIdentifier: UInt64(try await server.psql("SELECT system_identifier FROM pg_control_system()")) ?? 0)
    var json: [String: Any] = [
      "root": "", "password": "bench",
      "bucket": [
        "endpoint": s3.endpoint, "region": s3.region, "bucket": bucket, "accessKey": s3.keys.accessKey,
        "secretKey": s3.keys.secretKey,
      ],
    ]
    try write(json, to: config)
    let end = try #require(LSN(try await server.psql("SELECT pg_current_wal_flush_lsn()")))
    let begin = ContinuousClock.now
    let receiver = try RunningProgram.start(
      try builtProgram("tidemark-fixture"),
      ["wal-receive", "--config", config, "--port", "\(server.port)", "--user", server.replicationUser],
      environment: ["TIDEMARK_FIXTURE_PASSWORD": server.replicationPassword])
    try await eventually(within: .seconds(300), every: .milliseconds(20), "all is confirmed; \(receiver.errors)") {
      let text = try await server.psql("SELECT restart_lsn FROM pg_replication_slots")
      return LSN(text).map { $0 >= end } ?? false
    }
    let elapsed = begin.duration(to: .now)
    let outcome = try await receiver.kill()
    let catalog = try await WALCatalog.open(store: store, key: repository.key)
    let inventories = try await catalog.inventories(of: id)
    let lineage = try await catalog.lineage(of: id, inventories, bases: [])
    let run = try #require(lineage.coverage(inventories).first)
    let count = Int(run.last - run.first) + 1
    print("WAL in: \(count) segments in \(elapsed), peak \(outcome.peakMemory >> 20) MiB, CPU \(outcome.cpuSeconds) s")

    let spool = scratch.file("spool")
    let fetch = WALFetch.Configuration(lineage: lineage, spool: spool)
    json["fetch"] = try JSONSerialization.jsonObject(with: JSONEncoder().encode(fetch))
    try write(json, to: config)
    let command = WALFetch.restoreCommand(
      spool: spool, command: "\(try builtProgram("tidemark-fixture")) wal-fetch --config \(config) %f %p")
    let out = ContinuousClock.now
    let target = scratch.file("RECOVERYXLOG")
    for number in run.first..<run.first + UInt64(min(64, count)) {
      let file = try #require(lineage.segment(number)).description
      let shell = command.replacing("%f", with: file).replacing("%p", with: target)
      let fetched = try await RunningProgram.run("/bin/sh", ["-c", shell])
      #expect(fetched.ending == .exited(0))
    }
    print("WAL out: 64 segments in \(out.duration(to: .now))")
    try await server.remove()
  }

  private func write(_ json: [String: Any], to file: String) throws {
    try JSONSerialization.data(withJSONObject: json).write(to: URL(fileURLWithPath: file))
  }
}
