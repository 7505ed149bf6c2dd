import Foundation
import Glibc
import Repository
import TestSupport
import Testing

@Suite(.serialized) struct CrashTests {
  @Test(
    "killed at 50 random moments: restic's check passes each time, any earlier snapshot restores, the next backup succeeds, indexed packs are reused"
  )
  func killedAtRandomMoments() async throws {
    try await CrashBed.with(.directory) { try await expectNothingLost(&$0, kills: 50) }
  }

  @Test("the same with a real S3 server: killed at 10 random moments")
  func killedAtRandomMomentsOnS3() async throws {
    try await CrashBed.with(.s3) { try await expectNothingLost(&$0, kills: 10) }
  }

  private func expectNothingLost(_ bed: inout CrashBed, kills: Int) async throws {
    try bed.change(round: 0)
    let first = try await wholeBackup(&bed)
    var (round, killed, reusable) = (0, 0, 0)
    for kill in 1...kills {
      round += 1
      try bed.change(round: round)
      let before = try await bed.open().blobCount
      let process = try bed.backup()
      try await Task.sleep(for: first * Double.random(in: 0...1.1))
      if try await process.kill().ending == .signalled(SIGKILL) {
        killed += 1
        if try await bed.open().blobCount > before { reusable += 1 }
      }
      // The dead process's lock is one that restic takes for stale, too.
      try await bed.restic("unlock")
      try await bed.restic("check")
      let repository = try await bed.open()
      try await bed.keepContents(repository)
      try await bed.expectAnyRestores(from: repository)
      if kill.isMultiple(of: 5) {
        round += 1
        try bed.change(round: round)
        try await wholeBackup(&bed)
      }
    }
    #expect(killed * 5 >= kills * 2, "only \(killed) of \(kills) were killed before their end")
    #expect(reusable > 0, "no process was killed between its first index file and its snapshot")
    #expect(bed.kept.count >= 1 + kills / 5)

    let repository = try await bed.open()
    let report = try await repository.check(.everyByte)
    #expect(report.isSound, "\(report.errors)")
    #expect(report.redundantBlobs == 0, "what was indexed before a kill was stored again")
    #expect(report.warnings.allSatisfy { $0.kind == .packNotIndexed })
    try await bed.restic("check", "--read-data")
  }

  /// A backup that nobody disturbs: it must succeed, and make a snapshot. Gives the time that it took.
  @discardableResult
  private func wholeBackup(_ bed: inout CrashBed) async throws -> Duration {
    let snapshots = bed.kept.count
    let outcome = try await bed.backup().wait(within: .seconds(60))
    #expect(outcome.ending == .exited(0), "\(outcome.errors)")
    try await bed.keepContents(try await bed.open())
    #expect(bed.kept.count == snapshots + 1)
    return outcome.elapsed
  }
}
