import PostgresEngine
import Steps
import TestSupport
import Testing
import TidemarkAPI

@Suite("The step base-backup", .serialized)
struct BaseBackupStepTests {
  @Test("run twice for one Backup, it makes one snapshot, and the product is the same")
  func twice() async throws {
    let bench = try await StepBench.start()
    let first = try await bench.run(uid: "one", status: .refused)
    #expect(try await bench.snapshots().count == 1)
    try await bench.postgres.psql("CREATE TABLE later AS SELECT generate_series(1, 10000) AS i")
    let again = try await bench.run(uid: "one", status: .refused)
    #expect(again == first)
    #expect(first.size.stored > 0 && first.size.added >= first.size.stored)
    #expect(try await bench.snapshots() == [first.snapshot])
    // Another Backup gets a snapshot of its own.
    let other = try await bench.run(uid: "two", status: .refused)
    #expect(other.snapshot != first.snapshot)
    #expect(Set(try await bench.snapshots()) == [first.snapshot, other.snapshot])
    try await bench.end()
  }

  @Test("killed between its snapshot and its result, it finds the snapshot and takes no other")
  func killedBehindTheSnapshot() async throws {
    let bench = try await StepBench.start()
    // The last report on the way to the result hangs, as an API server that stands still makes it.
    let step = try bench.begin(uid: "one", status: .stalled)
    let made = try await eventually(within: .seconds(120), "the snapshot is there") {
      try await bench.snapshots().first
    }
    #expect(try bench.result(uid: "one") == nil, "the step has ended already")
    try await step.kill()
    #expect(try bench.result(uid: "one") == nil)
    let product = try await bench.run(uid: "one", status: .refused)
    #expect(product.snapshot == made)
    #expect(try await bench.snapshots() == [made])
    #expect(product.size.logical > 0 && product.size.stored > 0)
    try await bench.end()
  }
}
