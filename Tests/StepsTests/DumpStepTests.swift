import Foundation
import Glibc
import ObjectStore
import PostgresEngine
import Repository
import Steps
import TestSupport
import Testing
import TidemarkAPI

@Suite("A logical backup is one file that PostgreSQL's own programs read")
struct DumpStepTests {
  private static let repository = "databases/shops/shop/repo"

  private static func restic(_ bench: ImportBench, _ arguments: String...) async throws -> String {
    let store = bench.store
    return try await RunningProgram.run(
      "restic", arguments + ["--no-cache"],
      environment: store.server.environment.merging([
        "RESTIC_REPOSITORY": "s3:\(store.server.endpoint)/\(store.bucket)/\(store.input.prefix)/\(repository)",
        "RESTIC_PASSWORD": StepStore.password,
      ]) { $1 }
    ).output
  }

  private static func product(_ step: PreparedStep) async throws -> DumpProduct {
    let result = try await step.run()
    guard case .done(.dump(let product)) = result else { throw TestSupportError("\(result)") }
    return product
  }

  @Test("restic and pg_restore alone bring it back, and so does an import; the next one stores only what changed")
  func roundTrip() async throws {
    try await ImportBench.with { bench in
      try await bench.makeZoo("the/zoo", rows: 60_000)
      let before = try await bench.contents("the/zoo")
      let first = try await Self.product(try bench.prepareDump(of: "the/zoo"))
      let file = bench.file("from-restic.dump")
      try await RunningProgram.run(
        "/bin/sh", ["-c", "restic --no-cache dump \(first.snapshot) /the_zoo.dump > \(file)"],
        environment: bench.store.server.environment.merging([
          "RESTIC_REPOSITORY":
            "s3:\(bench.store.server.endpoint)/\(bench.store.bucket)/\(bench.store.input.prefix)/\(Self.repository)",
          "RESTIC_PASSWORD": StepStore.password,
        ]) { $1 })
      #expect(try Data(contentsOf: URL(filePath: file)).count == Int(first.size.logical))
      try await bench.postgres.psql("CREATE DATABASE stock TEMPLATE template0")
      try await RunningProgram.run(
        "\(bench.postgres.binaries)/pg_restore", ["--exit-on-error", "--dbname", "stock", file],
        environment: bench.postgres.environment("stock"))
      #expect(try await bench.contents("stock") == before)
      let source = DumpLocation(key: nil, snapshot: first.snapshot, repositoryPrefix: Self.repository)
      try await bench.load(source, as: "loaded")
      #expect(try await bench.contents("loaded") == before)
      let second = try await Self.product(try bench.prepareDump(of: "the/zoo"))
      #expect(second.size.logical == first.size.logical && second.size.added < first.size.added / 2)
      #expect(try await Self.restic(bench, "check", "--read-data").contains("no errors were found"))
    }
  }

  @Test("its tags say what it is, and it is never taken for a base backup")
  func tags() async throws {
    try await ImportBench.with { bench in
      try await bench.postgres.psql("CREATE DATABASE shop")
      let product = try await Self.product(try bench.prepareDump(of: "shop"))
      let found = try await bench.store.withStore { store in
        try await Repository.open(
          in: store.scoped(to: Self.repository), password: RepositoryPassword(StepStore.password)
        ).snapshot(product.snapshot)
      }
      #expect(found.paths == ["/shop.dump"] && found.tags.contains("tidemark:kind=dump"))
      #expect(BaseBackupRecord(snapshot: found) == nil)
      let record = try #require(DumpRecord(snapshot: found))
      #expect(record.logicalBytes == product.size.logical && record.serverVersion.major >= 15)
    }
  }

  @Test("a role that may not read everything is told so, and no snapshot says that there is a dump")
  func rights() async throws {
    try await ImportBench.with { bench in
      let postgres = bench.postgres
      try await postgres.psql("CREATE DATABASE shop")
      try await postgres.psql("CREATE TABLE orders (id int)", database: "shop")
      let role = (name: postgres.replicationUser, password: postgres.replicationPassword)
      let failure = try await bench.prepareDump(of: "shop", role: role).failure()
      #expect(failure.code == "DumpFailed" && failure.message.contains("permission denied for table orders"))
      #expect(failure.message.contains("adminSecretName"))
      #expect(try await Self.restic(bench, "snapshots", "--json").contains("[]"))
    }
  }

  @Test("killed at any moment, it leaves no snapshot, and runs again")
  func killed() async throws {
    try await ImportBench.with { bench in
      try await bench.makeZoo("zoo", rows: 20_000)
      let step = try bench.prepareDump(of: "zoo")
      _ = try await Self.product(try bench.prepareDump(of: "postgres"))
      for milliseconds in [150, 250, 350, 450] {
        let program = try step.start()
        try await Task.sleep(for: .milliseconds(milliseconds))
        program.signal(SIGKILL)
        _ = try await program.wait(within: .seconds(30))
      }
      let product = try await Self.product(step)
      #expect(try await Self.product(step) == product, "one Backup has one snapshot")
      #expect(try await Self.restic(bench, "snapshots", "--json").contains(product.snapshot))
      let source = DumpLocation(key: nil, snapshot: product.snapshot, repositoryPrefix: Self.repository)
      try await bench.load(source, as: "loaded")
      #expect(try await bench.contents("loaded") == bench.contents("zoo"))
      // Locks of the killed runs are theirs to the end.
      _ = try await Self.restic(bench, "unlock", "--remove-all")
      #expect(try await Self.restic(bench, "check", "--read-data").contains("no errors were found"))
    }
  }
}
