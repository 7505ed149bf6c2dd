import ObjectStore
import Repository
import Steps
import TestSupport
import Testing

@Suite("The step forget", .serialized)
struct ForgetStepTests {
  @Test("it removes the snapshot and the data that only it needed; the others pass restic's check")
  func forgets() async throws {
    let bench = try await StepBench.start()
    let (first, second) = try await twoBackups(bench)
    let before = try await bench.packBytes()
    for _ in 0..<2 {
      let result = try await bench.forget(first)
      #expect(result == .done(.nothing))
    }
    #expect(try await bench.snapshots() == [second])
    #expect(try await bench.packBytes() < before - Self.fillerBytes)
    try await bench.restic("check", "--read-data")
    try await bench.end()
  }

  @Test("named by the Backup's uid, its snapshot goes and no other; where there is none, or no repository, it is done")
  func byBackup() async throws {
    let bench = try await StepBench.start()
    #expect(try await bench.forget(backup: "one") == .done(.nothing))
    let first = try await bench.run(uid: "one", status: .refused)
    let second = try await bench.run(uid: "two", status: .refused)
    #expect(try await bench.snapshots().sorted() == [first.snapshot, second.snapshot].sorted())
    for uid in ["three", "one", "one"] { #expect(try await bench.forget(backup: uid) == .done(.nothing)) }
    #expect(try await bench.snapshots() == [second.snapshot])
    try await bench.restic("check", "--read-data")
    try await bench.end()
  }

  @Test("while somebody is at work in the repository it does not prune, and the next one does")
  func locked() async throws {
    let bench = try await StepBench.start()
    let (first, second) = try await twoBackups(bench)
    let (before, bytesBefore) = (try await bench.packs(), try await bench.packBytes())
    let (repository, store) = try await bench.repository()
    try await repository.withLock(.shared) { _ in
      let result = try await bench.forget(first)
      #expect(result == .done(.nothing))
      let (snapshots, packs) = (try await bench.snapshots(), try await bench.packs())
      #expect(snapshots == [second] && packs == before)
    }
    await store.shutdown()
    let result = try await bench.forget(first)
    #expect(result == .done(.nothing))
    #expect(try await bench.packBytes() < bytesBefore - Self.fillerBytes)
    try await bench.end()
  }

  /// What only the first of the two base backups has, and no program can make smaller: 300,000 random UUIDs.
  private static let fillerBytes: Int64 = 300_000 * 16

  /// Two base backups, of which the first has a table that the second has not.
  private func twoBackups(_ bench: StepBench) async throws -> (first: String, second: String) {
    try await bench.postgres.psql("CREATE TABLE filler AS SELECT gen_random_uuid() FROM generate_series(1, 300000)")
    let first = try await bench.run(uid: "one", status: .refused)
    try await bench.postgres.psql("DROP TABLE filler", "CHECKPOINT")
    let second = try await bench.run(uid: "two", status: .refused)
    return (first.snapshot, second.snapshot)
  }
}
