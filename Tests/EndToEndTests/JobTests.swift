import Glibc
import TestSupport
import Testing

@Suite("Steps as Jobs of a cluster")
struct JobTests {
  private func withShop(
    _ name: String, _ body: @Sendable @escaping (Bed, StandInNode, TestPostgres) async throws -> Void
  ) async throws {
    let postgres = try await TestPostgres.start()
    try await Bed.with(name, on: .kubernetes) { bed in
      try await StandInNode.with(bed) { node in
        try await bed.applyDestination(.slow)
        try await bed.applyShop(postgres, orders: 100_000)
        try await body(bed, node, postgres)
      }
    }
    try await postgres.remove()
  }

  private func process(_ node: StandInNode, _ prefix: String, otherThan known: Int32 = 0) async throws -> Int32 {
    try await eventually(within: .seconds(90), "a step \(prefix) is at work") {
      let process = await node.process(prefix)
      return process == known ? nil : process
    }
  }

  @Test("a backup whose controller dies meanwhile is done once, leaves nothing behind, and is forgotten when deleted")
  func backup() async throws {
    try await withShop("jobs-backup") { bed, node, _ in
      try await bed.eventuallyField("database/shop", ".status.archiving.slot") { !$0.isEmpty }
      try await bed.applyBackup("first")
      let step = try await process(node, "base-backup")
      try await bed.killController()
      #expect(kill(step, 0) == 0, "the step must outlive the controller")
      try await bed.startController()
      try await bed.ready("backup/first")
      #expect(try await bed.field("backup/first", ".status.attempts") == "1")
      let snapshot = try await bed.field("backup/first", ".status.snapshot")
      #expect(try await bed.resticSnapshots() == [snapshot])
      try await expectNone(of: "base-backup", in: bed)
      // As Argo CD deletes: in the foreground, what the Backup owns first.
      try await bed.kubectl("delete", "backup/first", "--cascade=foreground", "--wait=false")
      try await eventually(within: .seconds(90), "the snapshot is forgotten") {
        // Not asked of restic, which a repository that is being pruned refuses.
        try await bed.snapshotKeys("databases/\(bed.namespace)/shop").isEmpty
      }
      try await expectNone(of: "forget", in: bed)
    }
  }

  @Test("a pod that is killed is told with its last words, and the Backup completes with two attempts and one snapshot")
  func podKilled() async throws {
    try await withShop("jobs-killed") { bed, node, _ in
      try await bed.applyBackup("first")
      let step = try await process(node, "base-backup")
      try await bed.eventuallyField("backup/first", ".status.phase") { $0 == "Running" }
      kill(step, SIGKILL)
      try await bed.eventuallyField("backup/first", ".status.error.message") { $0.contains("exit code 137") }
      _ = try await process(node, "base-backup", otherThan: step)
      try await bed.ready("backup/first")
      #expect(try await bed.field("backup/first", ".status.attempts") == "2")
      #expect(try await bed.resticSnapshots().count == 1)
    }
  }

  @Test("a receiver is one Deployment, which goes on under another controller and goes with its Database")
  func receiver() async throws {
    try await withShop("jobs-receiver") { bed, node, postgres in
      let receiver = try await process(node, "wal-receive")
      try await bed.eventuallyField("database/shop", ".status.archiving.lastLSN") { !$0.isEmpty }
      try await bed.killController()
      try await bed.startController()
      let before = try await bed.field("database/shop", ".status.archiving.lastLSN")
      try await postgres.psql("CREATE TABLE later AS SELECT generate_series(1, 1000)", database: "shop")
      try await bed.eventuallyField("database/shop", ".status.archiving.lastLSN") { $0 != before }
      #expect(await node.process("wal-receive") == receiver, "a controller that starts leaves it alone")
      try await bed.kubectl("delete", "database/shop", "--timeout=90s")
      try await expectNone(of: "wal-receive", in: bed)
      #expect(kill(receiver, 0) != 0)
    }
  }

  /// Waits until nothing is left of the runs whose names begin so.
  private func expectNone(of prefix: String, in bed: Bed) async throws {
    try await eventually(within: .seconds(60), every: .milliseconds(300), "nothing is left of \(prefix)") {
      let names = try await bed.kubectl("get", "jobs,deployments,secrets,configmaps", "-o", "name")
      return !names.contains("/\(prefix)-")
    }
  }
}
