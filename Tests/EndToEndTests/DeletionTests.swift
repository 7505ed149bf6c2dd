import Foundation
import TestSupport
import Testing

@Suite("What a deletion takes with it")
struct DeletionTests {
  @Test("deletionPolicy Delete removes the snapshot and Retain leaves it; a Database takes its slot and receiver along")
  func deletions() async throws {
    let postgres = try await TestPostgres.start()
    try await Bed.with("deletion") { bed in
      try await bed.applyDestination()
      try await bed.applyShop(postgres, orders: 1000)
      try await bed.applyBackup("deleted")
      try await bed.applyBackup("retained", "  deletionPolicy: Retain")
      try await bed.ready("backup/deleted")
      try await bed.ready("backup/retained")
      let retained = try await bed.field("backup/retained", ".status.snapshot")
      #expect(try await bed.resticSnapshots().count == 2)
      try await bed.kubectl("delete", "backup/deleted", "backup/retained", "--timeout=90s")
      #expect(try await bed.resticSnapshots() == [retained])

      #expect(try await postgres.psql("SELECT count(*) FROM pg_replication_slots") == "1")
      #expect(bed.steps("wal-receive").count == 1)
      try await bed.kubectl("delete", "database/shop", "--timeout=90s")
      #expect(try await postgres.psql("SELECT count(*) FROM pg_replication_slots") == "0")
      #expect(bed.steps("wal-receive").isEmpty)
      try await bed.kubectl("delete", "backupdestination/store", "--timeout=90s")
    }
    try await postgres.remove()
  }

  @Test("with a Backup goes the log that only it needed, the window begins with the next one, and archiving goes on")
  func log() async throws {
    let postgres = try await TestPostgres.start()
    try await Bed.with("expiry") { bed in
      try await bed.applyDestination()
      try await bed.applyShop(postgres, orders: 1000)
      try await bed.applyBackup("first")
      try await bed.ready("backup/first")
      try await Self.fillSegments(postgres)
      try await bed.applyBackup("second")
      try await bed.ready("backup/second")
      let before = try await bed.segments()
      let start = try await bed.field("backup/second", ".status.postgres.startLSN")
      let needed = try await postgres.psql("SELECT pg_walfile_name('\(start)')")
      #expect(before.contains { $0 < needed })

      try await bed.kubectl("delete", "backup/first", "--timeout=90s")
      let after = try await bed.segments()
      #expect(!after.isEmpty && after.allSatisfy { $0 >= needed }, "\(after) after \(before), needed \(needed)")
      let end = try await bed.field("backup/second", ".status.postgres.stopTime")
      try await bed.eventuallyField("database/shop", ".status.recoveryWindow.earliest") { $0 == end }
      let moment = try await postgres.now()
      try await postgres.psql("INSERT INTO orders VALUES (0, 'late')", database: "shop")
      try await bed.eventuallyField("database/shop", ".status.archiving.lastCommitTime") { $0 > moment }
      #expect(try await bed.field("database/shop", ".status.recoveryWindow.gaps").isEmpty)
    }
    try await postgres.remove()
  }

  /// Writes to three segments, each of which is finished.
  private static func fillSegments(_ postgres: TestPostgres) async throws {
    for number in 1...3 {
      try await postgres.psql(
        "INSERT INTO orders VALUES (-\(number), 'x')", "SELECT pg_switch_wal()", database: "shop")
    }
  }

  @Test("two Backups of one Database at once both complete, one after the other")
  func twoAtOnce() async throws {
    let postgres = try await TestPostgres.start()
    try await Bed.with("two") { bed in
      try await bed.applyDestination()
      try await bed.applyShop(postgres, orders: 1000)
      try await bed.applyBackup("one")
      try await bed.applyBackup("two")
      try await bed.ready("backup/one")
      try await bed.ready("backup/two")
      let firstEnd = try await bed.field("backup/one", ".status.completedAt")
      let secondStart = try await bed.field("backup/two", ".status.startedAt")
      #expect(secondStart >= firstEnd)
      #expect(try await bed.resticSnapshots().count == 2)
    }
    try await postgres.remove()
  }

  @Test("a Backup that is deleted while it runs ends its step and leaves no snapshot")
  func deletedWhileRunning() async throws {
    let postgres = try await TestPostgres.start()
    try await Bed.with("deleted-running") { bed in
      try await bed.applyDestination(.slow)
      try await bed.applyShop(postgres, orders: 100_000)
      try await bed.applyBackup("first")
      _ = try await bed.stepAtWork("base-backup")
      try await bed.eventuallyField("backup/first", ".status.progress.bytesDone") { !$0.isEmpty }
      try await bed.kubectl("delete", "backup/first", "--timeout=90s")
      #expect(bed.steps("base-backup").isEmpty)
      #expect(try await bed.resticSnapshots().isEmpty)
    }
    try await postgres.remove()
  }

  @Test("a Backup that is deleted when its step had died between snapshot and result leaves no snapshot")
  func deletedBehindItsSnapshot() async throws {
    let postgres = try await TestPostgres.start()
    try await Bed.with("deleted-behind") { bed in
      try await bed.applyDestination(.slow)
      try await bed.applyShop(postgres, orders: 50_000)
      try await bed.applyBackup("first")
      _ = try await bed.stepAtWork("base-backup")
      try await bed.eventuallyField("backup/first", ".status.phase") { $0 == "Running" }
      try await bed.killController()
      let result = try #require(bed.steps("base-backup").first) + "/result.json"
      try await eventually(within: .seconds(120), "the step has ended") {
        FileManager.default.fileExists(atPath: result)
      }
      #expect(try await bed.resticSnapshots().count == 1)
      // As if it had been killed just before it wrote that.
      try FileManager.default.removeItem(atPath: result)
      try await bed.kubectl("delete", "backup/first", "--wait=false")
      try await bed.startController()
      try await bed.eventuallyGone("backup/first")
      #expect(try await bed.resticSnapshots().isEmpty && bed.steps("base-backup").isEmpty)
    }
    try await postgres.remove()
  }

  @Test("deleting a clone's Database removes its instance; deleting the PITRClone before leaves it running")
  func cloneDeleted() async throws {
    let postgres = try await TestPostgres.start()
    try await Bed.with("clone-deleted") { bed in
      try await bed.applyDestination()
      try await bed.applyShop(postgres, orders: 1000)
      try await bed.applyBackup("first")
      try await bed.ready("backup/first")
      try await bed.applyClone("rescue", moment: "latest: true", newName: "rescued")
      try await bed.ready("pitrclone/rescue")
      try await bed.kubectl("delete", "pitrclone/rescue", "--timeout=60s")
      #expect(try await bed.askClone("rescued", "SELECT count(*) FROM orders", as: postgres) == "1000")
      #expect(bed.instances.count == 1)
      try await bed.ready("database/rescued", seconds: 60)
      try await bed.kubectl("delete", "database/rescued", "--timeout=90s")
      #expect(bed.instances.isEmpty)
      try await bed.ready("database/shop", seconds: 30)
    }
    try await postgres.remove()
  }
}
