import Foundation
import TestSupport
import Testing

/// What the scripts promise of processes: that they end those which they started, and no others.
@Suite("hack: strangers")
struct HackOwnershipTests {
  /// Puts somebody else's process under the number of each of `programs`, as after a reboot that gave the number away,
  /// and expects `down` to leave it alone.
  private func expectSpared(_ script: String, _ directory: String, programs: [String]) async throws {
    let path = try #require(RunningProgramTests.hackFolder) + "/" + script
    let stranger = try RunningProgram.start("sleep", ["600"])
    for program in programs {
      try "\(stranger.processID) 1 0\n".write(
        toFile: "\(directory)/run/\(program).pid", atomically: true, encoding: .utf8)
    }
    await #expect(throws: TestSupportError.self, "a stranger is not taken for the server") {
      try await RunningProgram.run(path, ["status", "--dir", directory])
    }
    try await RunningProgram.run(path, ["down", "--remove", "--dir", directory])
    #expect(stranger.isRunning)
    #expect(!FileManager.default.fileExists(atPath: directory))
    try await stranger.kill()
  }

  @Test("hack/s3 down ends what it started and nothing else, and leaves nothing")
  func s3() async throws {
    let s3 = try await TestS3.start(gigabytes: 1)
    try await s3.stop()
    try await expectSpared("s3", s3.directory, programs: ["radosgw"])
    #expect(try await PlainConnection.open(port: s3.port) == nil)
    #expect(try await RunningProgram.start("pgrep", ["-f", s3.directory]).wait(within: .seconds(10)).output.isEmpty)
  }

  @Test("hack/kube down ends what it started and nothing else, and leaves nothing")
  func kube() async throws {
    let kube = try await TestKube.start()
    try await kube.stop(.apiserver)
    try await expectSpared("kube", kube.directory, programs: ["apiserver"])
    #expect(try await PlainConnection.open(port: kube.port) == nil)
    #expect(try await RunningProgram.start("pgrep", ["-f", kube.directory]).wait(within: .seconds(10)).output.isEmpty)
  }
}
