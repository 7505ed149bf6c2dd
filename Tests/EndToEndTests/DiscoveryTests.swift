import Foundation
import TestSupport
import Testing

@Suite("An old bucket in a new cluster")
struct DiscoveryTests {
  @Test("with everything deleted but the bucket, a new destination shows its backups, and a clone brings rows back")
  func everythingAnew() async throws {
    let postgres = try await TestPostgres.start()
    try await Bed.with("discovery") { bed in
      try await bed.applyDestination()
      try await bed.applyShop(postgres, orders: 1000)
      try await bed.applyBackup("first", "  deletionPolicy: Retain")
      try await bed.ready("backup/first")
      let snapshot = try await bed.field("backup/first", ".status.snapshot")
      let moment = try await postgres.now()
      try await postgres.psql("DELETE FROM orders WHERE id > 10", database: "shop")
      try await bed.eventuallyField("database/shop", ".status.recoveryWindow.latest") { $0 > moment }
      try await bed.kubectl("delete", "backups,databases,backupdestinations", "--all", "--timeout=120s")
      #expect(try await bed.kubectl("get", "tidemark", "-o", "name").isEmpty)

      try await bed.applyDestination()
      let name = "shop-\(snapshot.prefix(8))"
      try await eventually(within: .seconds(60), every: .milliseconds(500), "the backup is shown") {
        try await bed.kubectl("get", "backups", "-o", "name") == "backup.tidemark.dev/\(name)\n"
      }
      try await bed.ready("backup/\(name)", seconds: 30)
      #expect(try await bed.field("backup/\(name)", ".status.snapshot") == snapshot)
      #expect(try await bed.field("backup/\(name)", ".status.phase") == "Completed")
      #expect(try await bed.field("backup/\(name)", ".spec.deletionPolicy") == "Retain")
      #expect(try await bed.field("backup/\(name)", ".metadata.labels.tidemark\\.dev/origin") == "Discovered")
      #expect(Int(try await bed.field("backup/\(name)", ".status.size.logical")) ?? 0 > 1_000_000)
      #expect(bed.steps("base-backup").isEmpty, "nothing is run for what was found")

      try await bed.applyShopDatabase(postgres)
      try await bed.applyClone("rescue", moment: "time: \"\(moment)\"", newName: "rescued")
      try await bed.ready("pitrclone/rescue")
      #expect(try await bed.askClone("rescued", "SELECT count(*) FROM orders", as: postgres) == "1000")

      // What is shown goes with its snapshot only when it is told to.
      try await bed.kubectl("patch", "backup/\(name)", "--type=merge", "-p", #"{"spec":{"deletionPolicy":"Delete"}}"#)
      try await bed.kubectl("delete", "backup/\(name)", "--timeout=60s")
      #expect(try await !bed.resticSnapshots().contains(snapshot))
    }
    try await postgres.remove()
  }
}
