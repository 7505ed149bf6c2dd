import Foundation
import Glibc
import TestSupport
import Testing

@Suite("A restore destroys nothing")
struct RestoreTests {
  private func withShop(_ name: String, _ body: (Bed, TestPostgres) async throws -> Void) async throws {
    let postgres = try await TestPostgres.start()
    try await Bed.with(name) { bed in
      try await bed.applyDestination()
      try await bed.applyShop(postgres, orders: 1000)
      try await bed.applyBackup("first")
      try await bed.ready("backup/first")
      try await body(bed, postgres)
    }
    try await postgres.remove()
  }

  @Test("a target outside the window fails with the window; deleted before its switch, the instance goes, no more")
  func outsideAndDeleted() async throws {
    try await withShop("restore-outside") { bed, postgres in
      try await bed.applyRestore("early", source: #"pointInTime: { database: shop, time: "2020-01-01T00:00:00Z" }"#)
      try await bed.restore("early", is: "Failed")
      let message = try await bed.field("restorerequest/early", ".status.error.message")
      let earliest = try await bed.field("database/shop", ".status.recoveryWindow.earliest")
      #expect(message.contains(earliest.prefix(16)), "\(message) does not name \(earliest)")
      #expect(bed.instances.isEmpty)

      try await bed.applyRestore("undo", source: "backupName: first")
      try await bed.restore("undo", is: "ReadyToSwitch")
      #expect(bed.instances.count == 1)
      #expect(try await bed.liveInstance().isEmpty)
      try await bed.kubectl("delete", "restorerequest/undo", "--timeout=90s")
      #expect(bed.instances.isEmpty && bed.steps("restore").isEmpty)
      #expect(try await postgres.psql("SELECT count(*) FROM orders", database: "shop") == "1000")
      try await bed.ready("database/shop", seconds: 30)
    }
  }

  @Test("a role that is no superuser is told so before anything is closed")
  func notPermitted() async throws {
    try await withShop("restore-role") { bed, postgres in
      try await bed.kubectl(
        "patch", "database", "shop", "--type=merge", "-p", #"{"spec":{"connection":{"adminSecretName":null}}}"#)
      try await bed.applyRestore("undo", source: "backupName: first", "  switchOver: Automatic")
      try await bed.eventuallyField("restorerequest/undo", ".status.conditions[?(@.type==\"Stalled\")].reason") {
        $0 == "SwitchNotPermitted"
      }
      #expect(try await postgres.psql("SELECT count(*) FROM orders", database: "shop") == "1000")
      try await bed.kubectl(
        "patch", "database", "shop", "--type=merge", "-p", #"{"spec":{"connection":{"adminSecretName":"shop-admin"}}}"#)
      try await bed.switched("undo", to: true)
    }
  }

  @Test("in place, the rows are back at the same endpoint, and the data before the restore come back when it is undone")
  func inPlace() async throws {
    try await withShop("restore-in-place") { bed, postgres in
      try await bed.applyClone("rescue", moment: "latest: true", newName: "rescued")
      try await bed.ready("pitrclone/rescue")
      try await bed.ready("backup/rescued-initial")
      let port = try await bed.secret("rescued-connection", "port")
      _ = try await bed.askLive("rescued", "DELETE FROM orders WHERE id > 10", as: postgres)
      try await bed.applyRestore(
        "undo", source: "backupName: rescued-initial", "  strategy: InPlace\n  switchOver: Automatic")
      try await bed.switched("undo", to: true)
      #expect(try await bed.secret("rescued-connection", "port") == port)
      #expect(try await bed.askLive("rescued", "SELECT count(*) FROM orders", as: postgres) == "1000")
      try await bed.requestSwitch("undo", false)
      try await bed.switched("undo", to: false)
      #expect(try await bed.secret("rescued-connection", "port") == port)
      #expect(try await bed.askLive("rescued", "SELECT count(*) FROM orders", as: postgres) == "10")
      try await bed.ready("database/rescued", seconds: 60)

      try await bed.applyRestore("outside", source: "backupName: first", "  strategy: InPlace")
      try await bed.restore("outside", is: "Failed")
      #expect(try await bed.reason("restorerequest/outside") == "Unsupported")
    }
  }

  // MARK: Crashes

  @Test("the controller killed in each phase of a restore and in each stage of its switch still does all of it, once")
  func killedInEachPhase() async throws {
    try await withShop("restore-kill") { bed, postgres in
      try await bed.applyRestore("undo", source: "pointInTime: { database: shop, latest: true }")
      try await Self.killThrough(bed, until: "ReadyToSwitch") { try await bed.field($0, ".status.phase") }
      #expect(bed.instances.count == 1)

      // A transaction holds the closing up, so that it is there to be killed in.
      let busy = try postgres.startClient(
        "psql", "-X", "-q", "-d", "shop", "-c",
        "BEGIN; INSERT INTO orders VALUES (0, 'late'); SELECT pg_sleep(6); COMMIT")
      try await bed.requestSwitch("undo", true)
      try await Self.killThrough(bed, until: "Switched") { try await Self.stage(bed, $0) }
      #expect(try await busy.wait(within: .seconds(5)).ending == .exited(0), "the transaction was not to be ended")
      #expect(try await bed.liveInstance().hasPrefix("restore-"))
      #expect(try await bed.askLive("shop", "SELECT count(*) FROM orders", as: postgres) == "1000")

      try await bed.requestSwitch("undo", false)
      try await Self.killThrough(bed, until: "SwitchedBack") { try await Self.stage(bed, $0) }
      #expect(try await bed.liveInstance().isEmpty)
      #expect(try await postgres.psql("SELECT count(*) FROM orders", database: "shop") == "1001")
      #expect(bed.instances.count == 1)
      let own = try await bed.kubectl("get", "backups", "-l", "tidemark.dev/origin=Switch", "-o", "name")
      #expect(own.split(separator: "\n").count == 1)
    }
  }

  /// The stage of the switch, or the reason of Ready between two switches.
  private static func stage(_ bed: Bed, _ object: String) async throws -> String {
    let stage = try await bed.field(object, ".status.switching.stage")
    return stage.isEmpty ? try await bed.reason(object) : stage
  }

  /// Kills the controller whenever something new is seen, and starts it again, until `end` is.
  private static func killThrough(
    _ bed: Bed, until end: String, _ look: (String) async throws -> String
  ) async throws {
    var seen: Set<String> = []
    try await eventually(within: .seconds(240), every: .milliseconds(20), "the restore gets to \(end)") {
      let now = try await look("restorerequest/undo")
      guard now != end else { return true }
      if seen.insert(now).inserted {
        try await bed.killController()
        try await bed.startController()
      }
      return false
    }
    #expect(seen.count >= 2, "saw \(seen)")
  }
}
