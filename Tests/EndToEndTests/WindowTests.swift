import Foundation
import TestSupport
import Testing

@Suite("The recovery window that a user reads is true")
struct WindowTests {
  private static let gaps = ".status.recoveryWindow.gaps"
  private static let lag = ".status.archiving.lagBytes"

  @Test(
    "log that was lost is a gap with a warning, ended by a base backup that nobody asked for; no clone goes into it")
  func gap() async throws {
    let postgres = try await TestPostgres.start()
    try await Bed.with("gap") { bed in
      try await bed.applyDestination()
      try await bed.applyShop(postgres, orders: 1000)
      try await bed.applyBackup("first")
      try await bed.ready("backup/first")
      try await bed.eventuallyField("database/shop", ".status.recoveryWindow.earliest") { !$0.isEmpty }
      let stop = try await bed.field("backup/first", ".status.postgres.stopTime")
      #expect(try await bed.field("database/shop", ".status.recoveryWindow.earliest") == stop)

      let lost = try await Self.loseLog(bed, postgres)
      try await bed.startController()
      try await bed.eventuallyField("database/shop", Self.gaps) { !$0.isEmpty }
      try await eventually(within: .seconds(60), every: .milliseconds(300), "the gap is told") {
        try await bed.events("database/shop", "WALGap").contains { $0.contains("a new base backup, shop-gap-") }
      }
      try await bed.eventuallyField("database/shop", "\(Self.gaps)[0].to") { !$0.isEmpty }
      try await bed.eventuallyField("database/shop", ".status.conditions[?(@.type==\"Archiving\")].status") {
        $0 == "True"
      }
      let from = try await bed.field("database/shop", "\(Self.gaps)[0].from")
      let to = try await bed.field("database/shop", "\(Self.gaps)[0].to")
      #expect(from < lost && lost < to)
      let backups = try await bed.kubectl("get", "backups", "-o", "name").split(separator: "\n")
      #expect(backups.count == 2 && backups.contains { $0.hasPrefix("backup.tidemark.dev/shop-gap-") })

      try await bed.applyClone("into-the-gap", moment: "time: \"\(lost)\"", newName: "in-gap")
      try await bed.eventuallyAnswers("pitrclone/into-the-gap", "TargetInGap", "gap")
      try await bed.applyClone("after-the-gap", moment: "latest: true", newName: "after-gap")
      try await bed.ready("pitrclone/after-the-gap")
      #expect(try await bed.askClone("after-gap", "SELECT count(*) FROM orders", as: postgres) == "1002")
    }
    try await postgres.remove()
  }

  /// A server whose slot was dropped while nobody archived it; returns the time of a commit that is lost.
  private static func loseLog(_ bed: Bed, _ postgres: TestPostgres) async throws -> String {
    let receiver = try await bed.stepAtWork("wal-receive")
    try await bed.killController()
    kill(receiver, SIGKILL)
    try await eventually(within: .seconds(20), "the slot can be dropped") {
      (try? await postgres.psql("SELECT pg_drop_replication_slot('tidemark')")) != nil
    }
    try await postgres.psql("INSERT INTO orders VALUES (-1, 'lost')", database: "shop")
    try await Task.sleep(for: .milliseconds(20))
    let lost = try await postgres.now()
    try await Task.sleep(for: .milliseconds(20))
    for _ in 0..<3 { try await postgres.psql("SELECT pg_switch_wal()", "CHECKPOINT") }
    try await postgres.psql("INSERT INTO orders VALUES (-2, 'kept')", "CHECKPOINT", database: "shop")
    return lost
  }

  @Test("the lag grows while the store hangs, in bytes and seconds, and is gone soon after")
  func lag() async throws {
    let postgres = try await TestPostgres.start()
    try await Bed.with("lag") { bed in
      try await bed.applyDestination()
      try await bed.applyShop(postgres, orders: 100)
      try await bed.eventuallyField("database/shop", Self.lag) { $0 == "0" }
      try await bed.s3.freeze()
      do {
        try await postgres.psql("INSERT INTO orders SELECT g, 'x' FROM generate_series(1000, 5000) g", database: "shop")
        try await bed.eventuallyField("database/shop", Self.lag) { Int($0) ?? 0 > 100_000 }
        try await bed.eventuallyField("database/shop", ".status.archiving.lagSeconds") { Double($0) ?? 0 > 2 }
      } catch {
        try await bed.s3.thaw()
        throw error
      }
      try await bed.s3.thaw()
      try await bed.eventuallyField("database/shop", Self.lag) { $0 == "0" }
    }
    try await postgres.remove()
  }
}
