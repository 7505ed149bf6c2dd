import Glibc
import TestSupport
import Testing

@Suite("What was under way is finished, once")
struct CrashTests {
  /// A slow destination and a shop of some megabytes, so that there is a middle to be killed in.
  private func withSlowShop(_ name: String, _ body: (Bed, TestPostgres) async throws -> Void) async throws {
    let postgres = try await TestPostgres.start()
    try await Bed.with(name) { bed in
      try await bed.applyDestination(.slow)
      try await bed.applyShop(postgres, orders: 100_000)
      try await body(bed, postgres)
    }
    try await postgres.remove()
  }

  @Test("the controller killed while a backup runs finishes it after its restart: one attempt, one snapshot")
  func controllerKilledInBackup() async throws {
    try await withSlowShop("kill-backup") { bed, _ in
      try await bed.applyBackup("first")
      let step = try await bed.stepAtWork("base-backup")
      try await bed.killController()
      #expect(kill(step, 0) == 0, "the step must outlive the controller")
      try await bed.startController()
      try await bed.ready("backup/first")
      #expect(try await bed.field("backup/first", ".status.attempts") == "1")
      let snapshot = try await bed.field("backup/first", ".status.snapshot")
      #expect(try await bed.resticSnapshots() == [snapshot])
      // Log that went slowly was not taken for lost, which would have made another Backup.
      #expect(try await bed.kubectl("get", "backups", "-o", "name") == "backup.tidemark.dev/first\n")
    }
  }

  @Test("a step that is killed is run again, and the Backup completes with two attempts and one snapshot")
  func stepKilled() async throws {
    try await withSlowShop("kill-step") { bed, _ in
      try await bed.applyBackup("first")
      let step = try await bed.stepAtWork("base-backup")
      try await bed.eventuallyField("backup/first", ".status.phase") { $0 == "Running" }
      kill(step, SIGKILL)
      _ = try await bed.stepAtWork("base-backup", otherThan: step)
      try await bed.ready("backup/first")
      #expect(try await bed.field("backup/first", ".status.attempts") == "2")
      #expect(try await bed.resticSnapshots().count == 1)
    }
  }

  @Test("a retry writes where the first attempt began, though the spec was edited in between")
  func retryKeepsSpec() async throws {
    try await withSlowShop("retry-spec") { bed, _ in
      let elsewhere = try await bed.s3.makeBucket()
      try await bed.apply(bed.destination("elsewhere", "  prefix: team", bucket: elsewhere))
      try await bed.ready("backupdestination/elsewhere", seconds: 60)
      try await bed.applyBackup("first")
      let step = try await bed.stepAtWork("base-backup")
      try await bed.eventuallyField("backup/first", ".status.phase") { $0 == "Running" }
      try await bed.kubectl(
        "patch", "backup/first", "--type=merge", "-p", #"{"spec":{"destinationName":"elsewhere"}}"#)
      try await eventually(within: .seconds(30), "the change is told") {
        try await bed.reason("backup/first") == "SpecChangeIgnored"
      }
      kill(step, SIGKILL)
      try await bed.ready("backup/first")
      #expect(try await bed.field("backup/first", ".status.attempts") == "2")
      #expect(try await bed.field("backup/first", ".status.begunWith.destinationName") == "store")
      let snapshot = try await bed.field("backup/first", ".status.snapshot")
      #expect(try await bed.resticSnapshots() == [snapshot])
      // Its deletion forgets the snapshot where it lies as well.
      try await bed.kubectl("delete", "backup/first", "--timeout=90s")
      #expect(try await bed.resticSnapshots().isEmpty)
    }
  }

  @Test("the controller killed while a clone restores finishes it after its restart: one Database, all rows")
  func controllerKilledInClone() async throws {
    try await withSlowShop("kill-clone") { bed, postgres in
      try await bed.applyBackup("first")
      try await bed.ready("backup/first")
      try await bed.applyClone("rescue", moment: "latest: true", newName: "rescued")
      let step = try await bed.stepAtWork("restore")
      try await bed.killController()
      #expect(kill(step, 0) == 0, "the step must outlive the controller")
      try await bed.startController()
      try await bed.ready("pitrclone/rescue")
      #expect(try await bed.field("pitrclone/rescue", ".status.attempts") == "1")
      let made = try await bed.kubectl("get", "databases", "-l", "tidemark.dev/clone=rescue", "-o", "name")
      #expect(made.split(separator: "\n") == ["database.tidemark.dev/rescued"])
      #expect(try await bed.askClone("rescued", "SELECT count(*) FROM orders", as: postgres) == "100000")
    }
  }

  @Test("the controller killed again and again, from the first apply on, still does everything once")
  func controllerKilledAgainAndAgain() async throws {
    let postgres = try await TestPostgres.start()
    try await Bed.with("kill-often") { bed in
      try await bed.applyDestination()
      try await bed.applyShop(postgres, orders: 1000)
      try await bed.applyBackup("first")
      try await Self.killOften(bed)
      try await bed.ready("backup/first")
      try await bed.applyClone("rescue", moment: "latest: true", newName: "rescued")
      try await Self.killOften(bed)
      try await bed.ready("pitrclone/rescue")
      try await bed.ready("backup/rescued-initial")
      #expect(try await bed.resticSnapshots().count == 1)
      #expect(try await bed.resticSnapshots("rescued").count == 1)
      let made = try await bed.kubectl("get", "databases,backups", "-o", "name").split(separator: "\n").sorted()
      #expect(
        made == [
          "backup.tidemark.dev/first", "backup.tidemark.dev/rescued-initial", "database.tidemark.dev/rescued",
          "database.tidemark.dev/shop",
        ])
      #expect(try await bed.askClone("rescued", "SELECT count(*) FROM orders", as: postgres) == "1000")
    }
    try await postgres.remove()
  }

  @Test("the controller killed again and again while things are deleted still leaves nothing behind")
  func controllerKilledInDeletion() async throws {
    let postgres = try await TestPostgres.start()
    try await Bed.with("kill-delete") { bed in
      try await bed.applyDestination()
      try await bed.applyShop(postgres, orders: 1000)
      try await bed.applyBackup("first")
      try await bed.ready("backup/first")
      try await bed.applyClone("rescue", moment: "latest: true", newName: "rescued")
      try await bed.ready("pitrclone/rescue")
      let all = ["backup/first", "pitrclone/rescue", "database/rescued", "database/shop"]
      for object in all { try await bed.kubectl("delete", object, "--wait=false") }
      try await Self.killOften(bed)
      for object in all { try await bed.eventuallyGone(object) }
      #expect(try await bed.resticSnapshots().isEmpty)
      #expect(bed.instances.isEmpty && bed.steps("").allSatisfy { !$0.contains("wal-receive") })
      #expect(try await postgres.psql("SELECT count(*) FROM pg_replication_slots") == "0")
    }
    try await postgres.remove()
  }

  /// Kills the controller at random moments, which fall into different places of what it does.
  private static func killOften(_ bed: Bed) async throws {
    for _ in 0..<5 {
      try await Task.sleep(for: .milliseconds(.random(in: 0...2500)))
      try await bed.killController()
      try await bed.startController()
    }
  }

  @Test("a receiver that is killed is started again, and archiving goes on")
  func receiverKilled() async throws {
    let postgres = try await TestPostgres.start()
    try await Bed.with("kill-receiver") { bed in
      try await bed.applyDestination()
      try await bed.applyShop(postgres, orders: 100)
      let receiver = try await bed.stepAtWork("wal-receive")
      kill(receiver, SIGKILL)
      _ = try await bed.stepAtWork("wal-receive", otherThan: receiver)
      let moment = try await postgres.now()
      try await postgres.psql("INSERT INTO orders VALUES (0, 'late')", database: "shop")
      try await bed.eventuallyField("database/shop", ".status.archiving.lastCommitTime") { $0 > moment }
      try await bed.ready("database/shop", seconds: 60)
    }
    try await postgres.remove()
  }
}
