import Foundation
import Glibc
import TestSupport
import Testing

@Suite("A restore moves the clients, and moves them back")
struct SwitchTests {
  private static let ledger = "SELECT id FROM ledger"

  private func withShop(_ name: String, _ more: String = "", _ body: (Bed, TestPostgres) async throws -> Void)
    async throws
  {
    let postgres = try await TestPostgres.start()
    try await Bed.with(name) { bed in
      try await bed.applyDestination()
      try await bed.applyShop(postgres, orders: 1000, more)
      try await bed.applyBackup("first")
      try await bed.ready("backup/first")
      try await body(bed, postgres)
    }
    try await postgres.remove()
  }

  @Test(
    "under a running pgbench no acknowledged commit is lost and none is on both servers, there, back and there again")
  func underLoad() async throws {
    try await withShop("switch-load") { bed, postgres in
      let ledger = try await Ledger.open(bed, postgres)
      try await ledger.grows(by: 100)
      try await bed.applyRestore("undo", source: "pointInTime: { database: shop, latest: true }")
      try await bed.restore("undo", is: "ReadyToSwitch")
      let common = Ledger.numbers(
        try await bed.askRestored("undo", Self.ledger, as: postgres))
      #expect(!common.isEmpty)

      try await bed.requestSwitch("undo", true)
      try await bed.switched("undo", to: true)
      try await ledger.grows(by: 100)
      await #expect(throws: (any Error).self) { try await postgres.psql("SELECT 1", database: "shop") }

      try await bed.requestSwitch("undo", false)
      try await bed.switched("undo", to: false)
      try await ledger.grows(by: 100)
      try await ledger.close()
      let first = Ledger.numbers(try await postgres.psql(Self.ledger, database: "shop"))

      try await bed.requestSwitch("undo", true)
      try await bed.switched("undo", to: true)
      let restored = Ledger.numbers(try await bed.askLive("shop", Self.ledger, as: postgres))
      let acknowledged = ledger.acknowledged
      #expect(acknowledged.count >= 300 && acknowledged.isSubset(of: first.union(restored)))
      #expect(first.intersection(restored) == common)
      #expect(restored.count >= common.count + 50 && first.count >= common.count + 50)
    }
  }

  @Test("Secret and Service follow there and back; the new server is archived, and goes with its Database")
  func follows() async throws {
    try await withShop("switch-follow", "  serviceName: shop-db") { bed, postgres in
      let message = ".status.conditions[?(@.type==\"Ready\")].message"
      try await bed.eventuallyField("database/shop", message) { $0.contains("Service shop-db is not there") }
      try await bed.apply(
        """
        apiVersion: v1
        kind: Service
        metadata: { name: shop-db }
        spec: { selector: { app: postgres }, ports: [{ port: 5432, protocol: TCP }] }
        """)
      #expect(try await bed.secret("shop-connection", "port") == "\(postgres.port)")

      try await bed.applyRestore("undo", source: "backupName: first", "  switchOver: Automatic")
      try await bed.switched("undo", to: true)
      let instance = try await bed.liveInstance()
      #expect(instance.hasPrefix("restore-"))
      #expect(try await bed.field("service/shop-db", ".spec.selector") == #"{"tidemark.dev/instance":"\#(instance)"}"#)
      let port = try await bed.secret("shop-connection", "port")
      #expect(try await port == bed.field("database/shop", ".status.endpoint.port") && port != "\(postgres.port)")
      #expect(try await bed.field("database/shop", ".status.activeIncarnation") == instance)
      #expect(try await bed.askLive("shop", "SELECT count(*) FROM orders", as: postgres) == "1000")
      let own = try await bed.kubectl("get", "backups", "-l", "tidemark.dev/origin=Switch", "-o", "name")
        .trimmingCharacters(in: .newlines)
      #expect(own.hasPrefix("backup.tidemark.dev/shop-switch-"))
      try await bed.ready(own)
      #expect(try await bed.field(own, ".status.postgres.incarnation") == instance)

      try await bed.requestSwitch("undo", false)
      try await bed.switched("undo", to: false)
      #expect(try await bed.field("service/shop-db", ".spec.selector") == #"{"app":"postgres"}"#)
      #expect(try await bed.secret("shop-connection", "port") == "\(postgres.port)")
      let moment = try await postgres.now()
      try await postgres.psql("INSERT INTO orders VALUES (0, 'after the way back')", database: "shop")
      try await bed.eventuallyField("database/shop", ".status.archiving.lastCommitTime") { $0 > moment }
      #expect(try await bed.field("database/shop", ".status.recoveryWindow.gaps") == "")
      #expect(bed.instances == [instance])
      try await bed.kubectl("delete", "database/shop", "--timeout=120s")
      #expect(bed.instances.isEmpty)
      #expect(try await postgres.psql("SELECT count(*) FROM pg_replication_slots") == "0")
    }
  }

  @Test("a moment of the new incarnation, and one before the switch, are restored through the chain of both")
  func onwards() async throws {
    try await withShop("switch-chain") { bed, postgres in
      try await postgres.psql("DELETE FROM orders WHERE id > 900", database: "shop")
      let before = try await postgres.now()
      try await Self.stored(before, bed, postgres)
      try await bed.applyRestore(
        "first", source: "pointInTime: { database: shop, latest: true }", "  switchOver: Automatic")
      try await bed.switched("first", to: true)
      let after = try await Self.goOn(bed, postgres)
      try await Self.expectRows("800", in: "second", as: after, bed, postgres)
      try await Self.expectRows("900", in: "third", as: before, bed, postgres)
    }
  }

  /// Commits something after a moment, and waits until that is stored.
  private static func stored(_ moment: String, _ bed: Bed, _ postgres: TestPostgres) async throws {
    _ = try await bed.askLive("shop", "INSERT INTO orders VALUES (901, 'later')", as: postgres)
    try await bed.eventuallyField("database/shop", ".status.archiving.lastCommitTime") { $0 > moment }
  }

  /// Deletes some rows on the live server, then all; gives the moment between.
  private static func goOn(_ bed: Bed, _ postgres: TestPostgres) async throws -> String {
    _ = try await bed.askLive("shop", "DELETE FROM orders WHERE id > 800", as: postgres)
    let moment = try await bed.askLive(
      "shop", #"SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"#, as: postgres)
    _ = try await bed.askLive("shop", "DELETE FROM orders", as: postgres)
    try await bed.eventuallyField("database/shop", ".status.archiving.lastCommitTime") { $0 > moment }
    return moment
  }

  /// Restores to a moment, and counts.
  private static func expectRows(
    _ rows: String, in restore: String, as moment: String, _ bed: Bed, _ postgres: TestPostgres
  ) async throws {
    try await bed.applyRestore(restore, source: "pointInTime: { database: shop, time: \"\(moment)\" }")
    try await bed.restore(restore, is: "ReadyToSwitch")
    let count = try await bed.askRestored(restore, "SELECT count(*) FROM orders", as: postgres)
    #expect(count == rows, "\(restore) as of \(moment)")
  }

  @Test("two restores at once both restore, and their switches come one after the other")
  func twiceAtOnce() async throws {
    try await withShop("switch-twice") { bed, postgres in
      for name in ["one", "two"] {
        try await bed.applyRestore(name, source: "backupName: first", "  switchOver: Automatic")
      }
      for name in ["one", "two"] { try await bed.restore(name, is: "Completed", within: .seconds(240)) }
      let live = try await bed.liveInstance()
      let restored = try await [
        bed.field("restorerequest/one", ".status.instance.name"),
        bed.field("restorerequest/two", ".status.instance.name"),
      ]
      #expect(restored.contains(live) && Set(restored).count == 2)
      let reasons = try await [bed.reason("restorerequest/one"), bed.reason("restorerequest/two")]
      let loser = live == restored[0] ? 1 : 0
      try await bed.eventuallyField(
        "restorerequest/\(["one", "two"][loser])", ".status.conditions[?(@.type==\"Ready\")].reason"
      ) { $0 == "Superseded" }
      #expect(reasons[1 - loser] == "Switched")
      #expect(try await bed.field("database/shop", #".metadata.annotations.tidemark\.dev/switching"#) == "")
      #expect(try await bed.askLive("shop", "SELECT count(*) FROM orders", as: postgres) == "1000")
    }
  }
}
