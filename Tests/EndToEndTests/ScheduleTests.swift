import Foundation
import TestSupport
import Testing

@Suite("Schedules keep their word")
struct ScheduleTests {
  /// Applies a schedule of `shop`; `more` are further lines of its spec.
  private static func apply(_ bed: Bed, _ name: String, _ schedule: String, _ more: String = "") async throws {
    try await bed.apply(
      """
      apiVersion: tidemark.dev/v1alpha1
      kind: BackupSchedule
      metadata: { name: \(name) }
      spec:
        schedule: "\(schedule)"
        target: { database: shop }
        destinationName: store
      \(more)
      """)
  }

  /// The names of the Backups that a schedule made.
  private static func backups(_ bed: Bed, of schedule: String) async throws -> [String] {
    try await bed.kubectl("get", "backups", "-l", "tidemark.dev/schedule=\(schedule)", "-o", "name")
      .split(separator: "\n").map { String($0.dropFirst("backup.tidemark.dev/".count)) }.sorted()
  }

  @Test("a schedule that is due each minute makes one Backup a minute, also when the controller is killed meanwhile")
  func everyMinute() async throws {
    let postgres = try await TestPostgres.start()
    try await Bed.with("every-minute") { bed in
      try await bed.applyDestination()
      try await bed.applyShop(postgres, orders: 100)
      try await Self.apply(bed, "tick", "* * * * *")
      try await bed.ready("backupschedule/tick", seconds: 30)
      try await eventually(within: .seconds(90), every: .milliseconds(300), "the first run is there") {
        try await !Self.backups(bed, of: "tick").isEmpty
      }
      try await bed.killController()
      let first = try await Self.backups(bed, of: "tick")
      #expect(first.count == 1)
      try await bed.startController()
      try await eventually(within: .seconds(120), every: .milliseconds(300), "two runs have completed") {
        let phases = try await bed.kubectl(
          "get", "backups", "-l", "tidemark.dev/schedule=tick", "-o", "jsonpath={.items[*].status.phase}")
        return phases.split(separator: " ").count { $0 == "Completed" } >= 2
      }
      let names = try await Self.backups(bed, of: "tick")
      let minutes = names.compactMap { Int($0.suffix(2)) }
      #expect(zip(minutes, minutes.dropFirst()).allSatisfy { ($0 + 1) % 60 == $1 }, "\(names)")
      #expect(try await bed.field("backup/\(names[0])", ".metadata.labels.tidemark\\.dev/origin") == "Schedule")
      #expect(try await bed.kubectl("get", "backups").contains("Schedule"))
      let lastRun = try await bed.field("backupschedule/tick", ".status.lastRun")
      #expect(try await bed.field("backupschedule/tick", ".status.nextRun") > lastRun)
      #expect(try await !bed.field("backupschedule/tick", ".status.lastSuccess").isEmpty)

      try await bed.kubectl("delete", "backupschedule/tick", "--timeout=30s")
      #expect(try await Set(Self.backups(bed, of: "tick")).isSuperset(of: names), "a schedule leaves its Backups")
    }
    try await postgres.remove()
  }

  @Test("runs that were asked for by REST count for retention as the schedule's own do")
  func askedFor() async throws {
    let postgres = try await TestPostgres.start()
    try await Bed.with("asked-for") { bed in
      try await bed.applyDestination()
      try await bed.applyShop(postgres, orders: 100)
      try await Self.apply(bed, "yearly", "@yearly", "  retention: { count: 1 }")
      let rest = try await RESTClient(bed)
      for _ in 1...2 {
        let run = try await rest.start("backup-schedules/yearly/run", "{}")
        try await rest.wait(for: "Completed", at: run)
        try await bed.eventuallyField("database/shop", ".status.recoveryWindow.earliest") { !$0.isEmpty }
      }
      try await eventually(within: .seconds(90), every: .milliseconds(500), "the first run goes") {
        try await Self.backups(bed, of: "yearly").count == 1
      }
      #expect(try await bed.resticSnapshots().count == 1)
      #expect(try await !bed.field("backupschedule/yearly", ".status.lastSuccess").isEmpty)
      #expect(try await bed.field("backupschedule/yearly", ".status.lastRun").isEmpty)
      try await rest.end()
    }
    try await postgres.remove()
  }

  @Test("retention that would remove more than half waits for a person, then removes Backups and snapshots")
  func retention() async throws {
    let postgres = try await TestPostgres.start()
    try await Bed.with("retention") { bed in
      try await bed.applyDestination()
      try await bed.applyShop(postgres, orders: 100)
      // What a schedule that was here before has made.
      for day in 1...5 {
        try await bed.apply(
          """
          apiVersion: tidemark.dev/v1alpha1
          kind: Backup
          metadata:
            name: yearly-2026010\(day)0000
            labels: { tidemark.dev/schedule: yearly, tidemark.dev/origin: Schedule }
            annotations: { tidemark.dev/slot: "2026-01-0\(day)T00:00:00Z" }
          spec: { target: { database: shop }, destinationName: store }
          """)
      }
      for day in 1...5 { try await bed.ready("backup/yearly-2026010\(day)0000") }
      #expect(try await bed.resticSnapshots().count == 5)
      try await bed.eventuallyField("database/shop", ".status.recoveryWindow.earliest") { !$0.isEmpty }

      try await Self.apply(bed, "yearly", "@yearly", "  retention: { count: 2 }")
      try await eventually(within: .seconds(30), "retention is held") {
        try await bed.reason("backupschedule/yearly", "RetentionHeld") == "TooMany"
      }
      let message = try await bed.field(
        "backupschedule/yearly", ".status.conditions[?(@.type==\"RetentionHeld\")].message")
      let value = try #require(message.split(separator: "approve-retention=").last)
      #expect(value.hasPrefix("3-") && message.contains("3 of 5"))
      #expect(try await bed.resticSnapshots().count == 5)

      try await bed.kubectl("annotate", "backupschedule/yearly", "tidemark.dev/approve-retention=\(value)")
      try await eventually(within: .seconds(90), every: .milliseconds(500), "the rest goes") {
        try await Self.backups(bed, of: "yearly").count == 2
      }
      #expect(try await Self.backups(bed, of: "yearly") == ["yearly-202601040000", "yearly-202601050000"])
      #expect(try await bed.resticSnapshots().count == 2)
      try await eventually(within: .seconds(30), "nothing is held any more") {
        try await bed.reason("backupschedule/yearly", "RetentionHeld").isEmpty
      }
    }
    try await postgres.remove()
  }
}
