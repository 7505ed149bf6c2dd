import Glibc
import TestSupport
import Testing

@Suite("A repository that somebody has locked for himself")
struct LockedTests {
  @Test("a Backup waits for it, says so, and completes when it is unlocked")
  func waits() async throws {
    let postgres = try await TestPostgres.start()
    try await Bed.with("locked") { bed in
      try await bed.applyDestination()
      try await bed.applyShop(postgres, orders: 20_000)
      try await bed.applyBackup("first")
      try await bed.ready("backup/first")
      // A check by the stock program takes an exclusive lock; so slow, it keeps it until it is interrupted.
      let check = try RunningProgram.start(
        "restic", ["check", "--read-data", "--no-cache", "--limit-download", "20"],
        environment: await bed.resticEnvironment())
      let locks = "/\(bed.bucket)?list-type=2&prefix=team%2Fdatabases%2F\(bed.namespace)%2Fshop%2Frepo%2Flocks%2F"
      try await eventually(within: .seconds(30), "the repository is locked") {
        try await bed.s3.curl(locks).contains("<Key>")
      }
      try await bed.applyBackup("second")
      try await bed.eventuallyField("backup/second", ".status.conditions[?(@.type==\"Ready\")].message") {
        $0.contains("attempt 1 of 3 waits for a prune")
      }
      #expect(try await bed.reason("backup/second") == "Waiting")
      check.signal(SIGINT)
      _ = try await check.wait(within: .seconds(60))
      try await bed.ready("backup/second")
      #expect(try await bed.field("backup/second", ".status.attempts") == "1")
      #expect(try await bed.field("backup/second", ".status.progress.waitingFor").isEmpty)
    }
    try await postgres.remove()
  }
}
