import Foundation
import TestSupport
import Testing

@Suite("A switch away from a server that is in trouble")
struct SwitchTroubleTests {
  private func withRestored(
    _ name: String, settings: [String: String] = [:], _ body: (Bed, TestPostgres) async throws -> Void
  ) async throws {
    let postgres = try await TestPostgres.start { $0.settings = settings }
    try await Bed.with(name) { bed in
      try await bed.applyDestination()
      try await bed.applyShop(postgres, orders: 1000)
      try await bed.applyBackup("first")
      try await bed.ready("backup/first")
      let moment = try await postgres.now()
      try await postgres.psql("INSERT INTO orders VALUES (0, 'the last one')", database: "shop")
      try await bed.eventuallyField("database/shop", ".status.archiving.lastCommitTime") { $0 > moment }
      try await bed.applyRestore("undo", source: "pointInTime: { database: shop, latest: true }")
      try await bed.restore("undo", is: "ReadyToSwitch")
      try await body(bed, postgres)
    }
    try await postgres.remove()
  }

  @Test("a dead server holds a switch up until a person says Proceed; alive again, clients are moved back to it")
  func dead() async throws {
    try await withRestored("switch-dead") { bed, postgres in
      try await postgres.stop(.immediate)
      try await bed.requestSwitch("undo", true)
      let message = ".status.conditions[?(@.type==\"Ready\")].message"
      try await bed.eventuallyField("restorerequest/undo", message) {
        $0.contains("set spec.whenUnreachable to Proceed")
      }
      #expect(try await bed.liveInstance().isEmpty)
      try await bed.kubectl(
        "patch", "restorerequest", "undo", "--type=merge", "-p", #"{"spec":{"whenUnreachable":"Proceed"}}"#)
      try await bed.switched("undo", to: true)
      let instance = try await bed.liveInstance()
      #expect(instance.hasPrefix("restore-"))
      #expect(try await bed.askLive("shop", "SELECT count(*) FROM orders", as: postgres) == "1001")
      let own = try await bed.kubectl("get", "backups", "-l", "tidemark.dev/origin=Switch", "-o", "name")
        .trimmingCharacters(in: .newlines)
      try await bed.ready(own)
      #expect(try await bed.field("database/shop", ".status.activeIncarnation") == instance)

      try await postgres.start()
      try await bed.requestSwitch("undo", false)
      try await bed.switched("undo", to: false)
      #expect(try await postgres.psql("SELECT count(*) FROM orders", database: "shop") == "1001")
      #expect(try await bed.secret("shop-connection", "port") == "\(postgres.port)")
      let moment = try await postgres.now()
      try await postgres.psql("INSERT INTO orders VALUES (-1, 'after the way back')", database: "shop")
      try await bed.eventuallyField("database/shop", ".status.archiving.lastCommitTime") { $0 > moment }
      #expect(try await bed.field("database/shop", ".status.recoveryWindow.gaps").isEmpty)
    }
  }

  @Test("a prepared transaction holds a switch up before anything is closed; one that comes while it drains undoes it")
  func prepared() async throws {
    try await withRestored("switch-prepared", settings: ["max_prepared_transactions": "4"]) { bed, postgres in
      try await postgres.psql(
        "BEGIN; INSERT INTO orders VALUES (2000, 'early'); PREPARE TRANSACTION 'early'", database: "shop")
      try await bed.requestSwitch("undo", true)
      try await Self.waits(bed, for: "'early'")
      #expect(try await bed.field("restorerequest/undo", ".status.switching").isEmpty)
      #expect(try await postgres.psql("SELECT count(*) FROM orders", database: "shop") == "1001")

      // A transaction holds the closing up, and then is prepared.
      let late = try postgres.startClient(
        "psql", "-X", "-q", "-d", "shop", "-c",
        "BEGIN; INSERT INTO orders VALUES (2001, 'late'); SELECT pg_sleep(15); PREPARE TRANSACTION 'late'")
      try await eventually(within: .seconds(20), "the transaction is open") {
        try await postgres.psql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'BEGIN; INSERT%2001%'") != "0"
      }
      try await postgres.psql("COMMIT PREPARED 'early'", database: "shop")
      try await bed.eventuallyField("restorerequest/undo", ".status.error.code") { $0 == "PreparedTransactions" }
      #expect(try await late.wait(within: .seconds(60)).ending == .exited(0))
      try await Self.waits(bed, for: "'late'")
      #expect(try await bed.liveInstance().isEmpty)
      #expect(try await postgres.psql("SELECT count(*) FROM orders", database: "shop") == "1002")

      try await postgres.psql("ROLLBACK PREPARED 'late'", database: "shop")
      try await bed.requestSwitch("undo", false)
      try await bed.eventuallyField("restorerequest/undo", ".status.error.code") { $0.isEmpty }
      try await bed.requestSwitch("undo", true)
      try await bed.switched("undo", to: true)
      #expect(try await bed.askLive("shop", "SELECT count(*) FROM orders", as: postgres) == "1001")
    }
  }

  private static func waits(_ bed: Bed, for transaction: String) async throws {
    let ready = ".status.conditions[?(@.type==\"Ready\")]"
    try await bed.eventuallyField("restorerequest/undo", ready + ".message") { $0.contains(transaction) }
    #expect(try await bed.reason("restorerequest/undo") == "PreparedTransactions")
  }
}
