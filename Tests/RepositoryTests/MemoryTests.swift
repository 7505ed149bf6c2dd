import Foundation
import Repository
import TestSupport
import Testing

@Suite("Memory of a repository") struct MemoryTests {
  /// Beside the budget: the program itself, what malloc keeps, and the plan and the stretches of a restore. Together they
  /// stay far below what is stored.
  private static let constant = 128 << 20

  @Test("1 GiB goes to a slow store and comes back, in no more memory than the one byte budget and a constant")
  func gibibyte() async throws {
    try await ScratchDirectory.with("memory") { scratch in
      let program = try RunningProgram.start(
        try builtProgram("tidemark-fixture"),
        [
          "repository-memory", "--repository", scratch.file("repo"), "--target", scratch.file("target"),
          "--bytes-per-second", "\(100 << 20)",
        ])
      let outcome = try await program.wait(within: .seconds(180))
      #expect(outcome.ending == .exited(0), "\(outcome.errors)")
      let peaks = outcome.output.split(separator: "\n").compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
      try #require(peaks.count == 2, "\(outcome.output)")
      print("1 GiB: peak memory \(peaks[0] >> 20) MiB while stored, \(peaks[1] >> 20) MiB while restored")
      let budget = RepositoryOptions().byteBudget
      #expect(peaks[0] < budget + Self.constant)
      #expect(peaks[1] < budget + Self.constant)
    }
  }
}
