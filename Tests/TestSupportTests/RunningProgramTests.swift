import Foundation
import TestSupport
import Testing

@Suite("Programs beside the test")
struct RunningProgramTests {
  @Test("the exit code and both outputs are kept")
  func exits() async throws {
    let program = try RunningProgram.start("sh", ["-c", "echo out; echo err >&2; exit 7"])
    let outcome = try await program.wait(within: .seconds(10))
    #expect(outcome.ending == .exited(7))
    #expect(outcome.output == "out\n")
    #expect(outcome.errors == "err\n")
    #expect(!program.isRunning)
    program.signal(SIGKILL)  // of no effect, on nobody
  }

  @Test("a line can be waited for, and the program killed")
  func killed() async throws {
    let program = try RunningProgram.start(
      "sh", ["-c", "echo ready at $WHERE; sleep 600"], environment: ["WHERE": "9"])
    #expect(try await program.line(containing: "ready", within: .seconds(10)) == "ready at 9")
    #expect(try await program.kill().ending == .signalled(SIGKILL))
  }

  @Test("a failing run throws what the program said")
  func failingRun() async throws {
    let error = await #expect(throws: TestSupportError.self) {
      try await RunningProgram.run("sh", ["-c", "echo it is broken >&2; exit 1"])
    }
    #expect(error?.description.contains("it is broken") == true)
  }

  @Test("memory and time are those of the program")
  func usage() async throws {
    let outcome = try await RunningProgram.run("sh", ["-c", "head -c 50000000 /dev/zero | tail -c 40000000 | wc -c"])
    #expect(outcome.peakMemory > 40_000_000)
    #expect(outcome.elapsed > .zero)
  }

  @Test("a program built beside the tests is found")
  func built() throws {
    #expect(try builtProgram("tidemark-fixture").hasSuffix("/tidemark-fixture"))
    #expect(throws: TestSupportError.self) { try builtProgram("no-such-program") }
  }

  @Test("what a test process leaves behind is killed and removed when it is gone")
  func watcher() async throws {
    let hack = try #require(ProcessInfo.processInfo.environment["TIDEMARK_HACK"] ?? Self.hackFolder)
    let outer = try ScratchDirectory("watched")
    let root = outer.file("root")
    try FileManager.default.createDirectory(atPath: root + "/run", withIntermediateDirectories: true)
    let owner = try RunningProgram.start("sleep", ["600"])
    let left = try RunningProgram.start("sleep", ["600"])
    let boot = try String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
    func startTime(_ pid: Int32) throws -> String {
      String(try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8).split(separator: " ")[21])
    }
    try "\(left.processID) \(startTime(left.processID)) \(boot)"
      .write(toFile: "\(root)/run/left.pid", atomically: true, encoding: .utf8)
    let watcher = try RunningProgram.start(
      "\(hack)/follow-owner",
      [String(owner.processID), startTime(owner.processID), "\(hack)/down-all", root])
    try await RunningProgram.run("\(hack)/postgres", ["up", "--dir", "\(root)/pg"])
    #expect(left.isRunning && watcher.isRunning)
    try await owner.kill()
    #expect(try await watcher.wait(within: .seconds(30)).ending == .exited(0))
    #expect(try await left.wait(within: .seconds(5)).ending == .signalled(SIGKILL))
    #expect(!FileManager.default.fileExists(atPath: root))
    outer.remove()
  }

  static let hackFolder: String? = {
    let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    return "/\(root)/hack"
  }()
}
