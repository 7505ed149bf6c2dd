import Foundation
import TestSupport
import Testing

@Suite("hack/s3")
struct HackS3Tests {
  @Test("the gateway stopped, killed and frozen keeps its objects and its port")
  func cutOff() async throws {
    let s3 = try await TestS3.start(gigabytes: 1)
    let bucket = try await s3.makeBucket()
    try await s3.curl("/\(bucket)/object", "-X", "PUT", "-d", "kept")

    try await s3.kill9()
    #expect(try await PlainConnection.open(port: s3.port) == nil)
    try await s3.start()
    #expect(try await s3.curl("/\(bucket)/object") == "kept")

    try await s3.freeze()
    let connection = try #require(try await PlainConnection.open(port: s3.port))
    try await connection.send("GET / HTTP/1.0\r\n\r\n")
    #expect(try await connection.receive(silence: 300).1 == .silent)
    try await s3.thaw()
    #expect(try await connection.receive().bytes.count > 100)

    try await s3.stop()
    #expect(try await PlainConnection.open(port: s3.port) == nil)
    try await s3.remove()
    #expect(!FileManager.default.fileExists(atPath: s3.directory))
  }

  @Test("down saves the objects for the next up; up twice is one server")
  func saved() async throws {
    let s3 = try await TestS3.start(gigabytes: 1)
    let script = try #require(RunningProgramTests.hackFolder) + "/s3"
    let bucket = try await s3.makeBucket()
    try await s3.curl("/\(bucket)/object", "-X", "PUT", "-d", "kept")
    let processes = try processes(s3)
    try await RunningProgram.run(script, ["up", "--dir", s3.directory])
    #expect(try self.processes(s3) == processes)
    try await RunningProgram.run(script, ["down", "--dir", s3.directory])
    try await RunningProgram.run(script, ["up", "--dir", s3.directory])
    #expect(try await s3.curl("/\(bucket)/object") == "kept")
    try await s3.remove()
  }

  @Test("a second user has no right to the first one's buckets, and a wrong key has none at all")
  func users() async throws {
    let s3 = try await TestServers.s3()
    let bucket = try await s3.makeBucket()
    let arguments = [
      "-s", "-o", "/dev/null", "-w", "%{http_code}", "--aws-sigv4", "aws:amz:\(s3.region):s3",
      "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD", "--cacert", s3.caFile, "\(s3.tlsEndpoint)/\(bucket)",
    ]
    func status(_ keys: TestS3.Keys) async throws -> String {
      try await RunningProgram.run("curl", ["-u", "\(keys.accessKey):\(keys.secretKey)"] + arguments).output
    }
    #expect(try await status(s3.keys) == "200")
    #expect(try await status(s3.otherKeys) == "403")
  }

  @Test("a conditional PUT finds the object that is there")
  func conditional() async throws {
    let s3 = try await TestServers.s3()
    let bucket = try await s3.makeBucket()
    try await s3.curl("/\(bucket)/object", "-X", "PUT", "-d", "first", "-H", "If-None-Match: *")
    await #expect(throws: TestSupportError.self) {
      try await s3.curl("/\(bucket)/object", "-X", "PUT", "-d", "second", "-H", "If-None-Match: *")
    }
    #expect(try await s3.curl("/\(bucket)/object") == "first")
  }

  private func processes(_ s3: TestS3) throws -> [String] {
    try ["mon", "osd", "radosgw"].map {
      try String(contentsOfFile: "\(s3.directory)/run/\($0).pid", encoding: .utf8)
    }
  }
}
