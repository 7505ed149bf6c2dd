import Foundation
import TestSupport
import Testing

@Suite("hack/postgres")
struct HackPostgresTests {
  private func hack(_ arguments: String...) async throws {
    let folder = try #require(RunningProgramTests.hackFolder)
    try await RunningProgram.run("\(folder)/postgres", arguments)
  }

  @Test("up twice is one server, and after a crash it is back on its port with its data")
  func upTwice() async throws {
    let postgres = try await TestPostgres.start()
    let pidFile = "\(postgres.directory)/run/postgres.pid"
    let process = try String(contentsOfFile: pidFile, encoding: .utf8)
    try await postgres.psql("create table kept as select 42 as answer")
    try await hack("up", "--dir", postgres.directory)
    #expect(try String(contentsOfFile: pidFile, encoding: .utf8) == process)

    try await postgres.kill9()
    await #expect(throws: TestSupportError.self) { try await postgres.psql("select 1") }
    try await hack("up", "--dir", postgres.directory)
    #expect(try await postgres.psql("select answer from kept") == "42")
    #expect(try String(contentsOfFile: pidFile, encoding: .utf8) != process)
    try await postgres.remove()
  }

  @Test("down ends what it started and nothing else, and leaves nothing")
  func down() async throws {
    let postgres = try await TestPostgres.start()
    try await postgres.stop()
    // Somebody else's process under the number of ours: neither is it taken for the server, nor is it ended.
    let stranger = try RunningProgram.start("sleep", ["600"])
    try "\(stranger.processID) 1 0\n"
      .write(toFile: "\(postgres.directory)/run/postgres.pid", atomically: true, encoding: .utf8)
    await #expect(throws: TestSupportError.self) { try await hack("status", "--dir", postgres.directory) }
    try await hack("down", "--remove", "--dir", postgres.directory)
    #expect(stranger.isRunning)
    #expect(!FileManager.default.fileExists(atPath: postgres.directory))
    #expect(try await PlainConnection.open(port: postgres.port) == nil)
    try await stranger.kill()
  }

  @Test("several start at once, each on a port of its own")
  func several() async throws {
    async let first = TestPostgres.start()
    async let second = TestPostgres.start()
    async let third = TestPostgres.start()
    let all = try await [first, second, third]
    #expect(Set(all.map(\.port)).count == 3)
    for postgres in all {
      #expect(try await postgres.psql("select 1") == "1")
      try await postgres.remove()
    }
  }

  @Test("options reach the server")
  func options() async throws {
    let postgres = try await TestPostgres.start { options in
      options.settings = ["max_connections": "37"]
      options.segmentMegabytes = 1
      options.checksums = .off
      options.timeZone = "Asia/Kolkata"
      options.tls = .on
    }
    let shown = try await postgres.psql(
      "show max_connections", "show wal_segment_size", "show data_checksums", "show timezone", "show ssl")
    #expect(shown == "37\n1MB\noff\nAsia/Kolkata\non")
    #expect(FileManager.default.fileExists(atPath: try #require(postgres.caFile)))
    try await postgres.pgbench("-i", "-q")
    #expect(try await postgres.psql("select count(*) from pgbench_accounts") == "100000")
    try await postgres.remove()
  }

  @Test("a data directory that exists is served where it lies")
  func served() async throws {
    let origin = try await TestPostgres.start()
    try await origin.psql("create table kept as select 42 as answer")
    let copy = try ScratchDirectory("copy")
    try await RunningProgram.run(
      "\(origin.binaries)/pg_basebackup", ["-D", copy.file("data"), "-c", "fast"], environment: origin.environment())
    let served = try await TestPostgres.serve(
      dataDirectory: copy.file("data"), from: origin, settings: ["max_connections": "120"])
    #expect(served.port != origin.port)
    #expect(try await served.psql("select answer from kept", "show max_connections") == "42\n120")
    try await served.remove()
    #expect(FileManager.default.fileExists(atPath: copy.file("data/PG_VERSION")))
    copy.remove()
    try await origin.remove()
  }
}
