import Foundation
import TestSupport
import Testing

@Suite("A restore into another Database")
struct ForeignRestoreTests {
  /// `shop` with a Backup, and `staging`, another server with a database of the same name that has one row.
  private func withBoth(
    _ name: String, role: String? = nil,
    _ body: (Bed, _ shop: TestPostgres, _ staging: TestPostgres) async throws -> Void
  ) async throws {
    let (shop, staging) = try await (TestPostgres.start(), TestPostgres.start())
    try await Bed.with(name) { bed in
      try await bed.applyDestination()
      try await bed.applyShop(shop, orders: 1000)
      try await bed.applyBackup("first")
      try await bed.ready("backup/first")
      if let role {
        try await staging.psql(
          "CREATE ROLE \"\(role)\" LOGIN REPLICATION PASSWORD '\(staging.replicationPassword)'",
          "GRANT pg_read_all_data TO \"\(role)\"")
      }
      try await Self.applyStaging(bed, staging, role ?? staging.replicationUser)
      try await body(bed, shop, staging)
    }
    try await shop.remove()
    try await staging.remove()
  }

  private static func applyStaging(_ bed: Bed, _ staging: TestPostgres, _ role: String) async throws {
    try await staging.psql("CREATE DATABASE shop", "GRANT pg_read_all_data TO \"\(staging.replicationUser)\"")
    try await staging.psql(
      "CREATE TABLE orders (id int PRIMARY KEY, customer text)", "INSERT INTO orders VALUES (1, 'a test')",
      database: "shop")
    try await bed.apply(
      """
      apiVersion: v1
      kind: Secret
      metadata: { name: staging-login }
      stringData: { username: "\(role)", password: "\(staging.replicationPassword)" }
      ---
      apiVersion: v1
      kind: Secret
      metadata: { name: staging-admin }
      stringData: { username: "\(staging.superuser)", password: "\(staging.superuserPassword)" }
      ---
      apiVersion: tidemark.dev/v1alpha1
      kind: Database
      metadata: { name: staging }
      spec:
        connection:
          host: "\(staging.host)"
          port: \(staging.port)
          database: shop
          secretName: staging-login
          adminSecretName: staging-admin
        pitr: { enabled: true, destinationName: store, flushInterval: 1s }
      """)
    try await bed.ready("database/staging", seconds: 90)
  }

  @Test("it moves the target's clients to the source's rows and back, leaves the source alone, and is recovered from")
  func thereAndBack() async throws {
    try await withBoth("foreign") { bed, shop, staging in
      let system = try await bed.field("database/staging", ".status.systemIdentifier")
      try await bed.applyRestore(
        "refresh", source: "pointInTime: { database: shop, latest: true }",
        "  target: { database: staging }\n  switchOver: Automatic")
      try await bed.switched("refresh", to: true)
      let instance = try await bed.liveInstance("staging")
      #expect(instance.hasPrefix("restore-"))
      // As a client with the target's own Secret would.
      #expect(try await bed.askClone("staging", "SELECT count(*) FROM orders", as: shop) == "1000")
      await #expect(throws: (any Error).self) { try await staging.psql("SELECT 1", database: "shop") }
      #expect(try await bed.liveInstance("shop").isEmpty)
      #expect(try await shop.psql("SELECT count(*) FROM orders", database: "shop") == "1000")
      #expect(try await bed.field("restorerequest/refresh", ".status.sourceDatabase") == "shop")
      #expect(try await bed.field("database/staging", ".status.originalSystemIdentifier") == system)
      try await Self.recovered(bed, instance, shop)

      try await bed.requestSwitch("refresh", false)
      try await bed.switched("refresh", to: false)
      #expect(try await bed.askClone("staging", "SELECT count(*) FROM orders", as: shop) == "1")
      try await bed.ready("database/staging", seconds: 60)
      #expect(try await bed.field("database/staging", ".status.systemIdentifier") == system)
      #expect(try await bed.field("database/staging", ".status.originalSystemIdentifier").isEmpty)
      try await bed.ready("database/shop", seconds: 30)
    }
  }

  /// Takes the target back to its own last commit, along the incarnation that came from the source.
  private static func recovered(_ bed: Bed, _ instance: String, _ shop: TestPostgres) async throws {
    let own = try await bed.kubectl("get", "backups", "-l", "tidemark.dev/origin=Switch", "-o", "name")
      .trimmingCharacters(in: .newlines)
    #expect(own.hasPrefix("backup.tidemark.dev/staging-switch-"))
    try await bed.ready(own)
    #expect(try await bed.field(own, ".status.postgres.incarnation") == instance)
    let moment = try await shop.now()
    _ = try await bed.askLive("staging", "DELETE FROM orders WHERE id > 10", as: shop)
    try await bed.eventuallyField("database/staging", ".status.archiving.lastCommitTime") { $0 > moment }
    try await bed.applyRestore("again", source: "pointInTime: { database: staging, latest: true }")
    try await bed.restore("again", is: "ReadyToSwitch")
    #expect(try await bed.askRestored("again", "SELECT count(*) FROM orders", as: shop) == "10")
    try await bed.kubectl("delete", "restorerequest/again", "--timeout=90s")
  }

  @Test("a restored server that lacks the target's role is not switched to before somebody creates it there")
  func roleMissing() async throws {
    try await withBoth("foreign-role", role: "tester") { bed, shop, _ in
      try await bed.applyRestore(
        "refresh", source: "backupName: first", "  target: { database: staging }\n  switchOver: Automatic")
      try await eventually(within: .seconds(120), every: .milliseconds(300), "the lack is told") {
        try await bed.reason("restorerequest/refresh", "Stalled") == "TargetUnfit"
      }
      let message = try await bed.field("restorerequest/refresh", ".status.conditions[?(@.type==\"Ready\")].message")
      #expect(message.contains("the role 'tester'"))
      let port = try #require(message.components(separatedBy: "127.0.0.1:").last?.prefix { $0.isNumber })
      #expect(try await bed.liveInstance("staging").isEmpty)
      let environment = shop.environment("shop").merging(["PGPORT": String(port)]) { _, new in new }
      try await RunningProgram.run(
        "\(shop.binaries)/psql",
        ["-X", "-q", "-c", "CREATE ROLE tester LOGIN REPLICATION; GRANT pg_read_all_data TO tester"],
        environment: environment)
      try await bed.switched("refresh", to: true)
      #expect(try await bed.askClone("staging", "SELECT count(*) FROM orders", as: shop) == "1000")
    }
  }
}
