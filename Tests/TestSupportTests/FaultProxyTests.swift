import TestSupport
import Testing

/// The gateway answers a request without a signature with a list of no buckets: some 200 bytes after the headers.
private let request = "GET / HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n"

@Suite("The fault proxy")
struct FaultProxyTests {
  private func withProxy(_ body: (FaultProxy) async throws -> Void) async throws {
    let proxy = try await FaultProxy.start(to: TestServers.s3().port)
    do {
      try await body(proxy)
    } catch {
      try await proxy.stop()
      throw error
    }
    try await proxy.stop()
  }

  private func ask(_ port: Int) async throws -> (bytes: [UInt8], PlainConnection.Ending) {
    let connection = try #require(try await PlainConnection.open(port: port))
    try await connection.send(request)
    return try await connection.receive()
  }

  @Test("without a fault it forwards all that there is")
  func forwards() async throws {
    try await withProxy { proxy in
      let direct = try await ask(TestServers.s3().port)
      let proxied = try await ask(proxy.port)
      #expect(proxied.bytes.count == direct.bytes.count)
      #expect(proxied.1 == .closed)
      #expect(String(decoding: proxied.bytes, as: UTF8.self).contains("ListAllMyBucketsResult"))
      #expect(proxy.forwarded(.toServer) == request.utf8.count)
      #expect(proxy.forwarded(.toClient) == proxied.bytes.count)
    }
  }

  @Test("a megabyte a hundred times over passes unchanged, both ways")
  func forwardsMuch() async throws {
    let s3 = try await TestServers.s3()
    let bucket = try await s3.makeBucket()
    try await withProxy { proxy in
      try await ScratchDirectory.with { scratch in
        let (sent, received) = (scratch.file("sent"), scratch.file("received"))
        try await RunningProgram.run("sh", ["-c", "head -c 100000000 /dev/urandom >\(sent)"])
        try await s3.curl("/\(bucket)/object", "-T", sent)
        try await s3.curl(
          "/\(bucket)/object", "-o", received, "--connect-to", "127.0.0.1:\(s3.port):127.0.0.1:\(proxy.port)")
        try await s3.curl(
          "/\(bucket)/again", "-T", received, "--connect-to", "127.0.0.1:\(s3.port):127.0.0.1:\(proxy.port)")
        try await RunningProgram.run("cmp", [sent, received])
        #expect(proxy.forwarded(.toClient) > 100_000_000)
        #expect(proxy.forwarded(.toServer) > 100_000_000)
      }
    }
  }

  @Test("exactly as many bytes as said come before the reset", arguments: [0, 1, 100])
  func resets(after count: Int) async throws {
    try await withProxy { proxy in
      proxy.inject(.reset(after: count, .toClient))
      let answer = try await ask(proxy.port)
      #expect(answer.bytes.count == count)
      #expect(answer.1 == .reset)
    }
  }

  @Test("exactly as many bytes as said come before the end of the stream")
  func closes() async throws {
    try await withProxy { proxy in
      proxy.inject(.close(after: 57, .toClient))
      let answer = try await ask(proxy.port)
      #expect(answer.bytes.count == 57)
      #expect(answer.1 == .closed)
    }
  }

  @Test("bytes to the server are counted and cut in the same way")
  func cutsRequests() async throws {
    try await withProxy { proxy in
      proxy.inject(.reset(after: 10, .toServer))
      let answer = try await ask(proxy.port)
      #expect(answer.bytes.isEmpty)
      #expect(answer.1 == .reset)
      #expect(proxy.forwarded(.toServer) == 10)
    }
  }

  @Test("a stalled connection is silent, and loses nothing when it goes on")
  func stalls() async throws {
    try await withProxy { proxy in
      proxy.inject(.stall(after: 40, .toClient))
      let connection = try #require(try await PlainConnection.open(port: proxy.port))
      try await connection.send(request)
      let before = try await connection.receive(silence: 300)
      #expect(before.bytes.count == 40)
      #expect(before.1 == .silent)
      proxy.releaseConnections()
      let after = try await connection.receive()
      #expect(after.1 == .closed)
      let text = String(decoding: before.bytes + after.bytes, as: UTF8.self)
      #expect(text.hasPrefix("HTTP/1"))
      #expect(text.contains("</ListAllMyBucketsResult>"))
    }
  }

  @Test("faults go to connections in the order in which these come")
  func numbers() async throws {
    try await withProxy { proxy in
      _ = try await ask(proxy.port)
      proxy.injectNext(.refuse, .none, .close(after: 3, .toClient))
      #expect(try await ask(proxy.port).1 == .reset)
      #expect(try await ask(proxy.port).bytes.count > 100)
      #expect(try await ask(proxy.port).bytes.count == 3)
      #expect(try await ask(proxy.port).bytes.count > 100)
      #expect(proxy.connectionCount == 5)
    }
  }

  @Test("a closed port refuses, and opens again")
  func closesPort() async throws {
    try await withProxy { proxy in
      try await proxy.closePort()
      #expect(try await PlainConnection.open(port: proxy.port) == nil)
      try await proxy.openPort()
      #expect(try await ask(proxy.port).bytes.count > 100)
    }
  }

  @Test("open connections can be reset from outside")
  func resetsOpen() async throws {
    try await withProxy { proxy in
      let connection = try #require(try await PlainConnection.open(port: proxy.port))
      try await eventually { proxy.openConnections == 1 }
      proxy.resetConnections()
      #expect(try await connection.receive().1 == .reset)
      try await eventually { proxy.openConnections == 0 }
    }
  }

  @Test("a limited bandwidth makes it take as long as it must")
  func limitsBandwidth() async throws {
    let s3 = try await TestServers.s3()
    let bucket = try await s3.makeBucket()
    try await withProxy { proxy in
      try await ScratchDirectory.with { scratch in
        let file = scratch.file("sent")
        try await RunningProgram.run("sh", ["-c", "head -c 1000000 /dev/urandom >\(file)"])
        try await s3.curl("/\(bucket)/object", "-T", file)
        proxy.inject(.bandwidth(bytesPerSecond: 2_000_000, .toClient))
        let elapsed = try await ContinuousClock().measure {
          try await s3.curl(
            "/\(bucket)/object", "-o", file, "--connect-to", "127.0.0.1:\(s3.port):127.0.0.1:\(proxy.port)")
        }
        #expect(elapsed > .milliseconds(400))
        #expect(elapsed < .seconds(5))
      }
    }
  }
}
