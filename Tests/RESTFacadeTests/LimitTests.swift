import Foundation
import NIOCore
import NIOPosix
import RESTFacade
import TestSupport
import Testing

@Suite("No caller can keep the others out")
struct LimitTests {
  @Test("a body of 10 MB is a 413, whether it says its size or not, and the server goes on")
  func largeBody() async throws {
    try await FacadeBed.with("limits") { bed in
      let large = String(repeating: "x", count: 10_000_000)
      try await bed.makeDatabase()
      let reply = try await bed.call("POST", "/databases/shop/backups", large).expect(413)
      #expect(reply.code == "PAYLOAD_TOO_LARGE" && reply.message.contains("1048576"))
      let chunked = try await RawCall(bed.port()).chunked(
        "/api/v1/databases/shop/backups", token: bed.kube.token, pieces: 40, of: 65_536)
      #expect(chunked.contains("413 "))
      try await bed.call("GET", "/databases").expect(200)
    }
  }

  @Test("who sends a header or a body too slowly is cut off")
  func slowClient() async throws {
    try await FacadeBed.with(
      "limits",
      change: {
        $0.limits.silence = .seconds(1)
        $0.limits.bodyTime = .seconds(2)
      }
    ) { bed in
      try await bed.makeDatabase()
      let began = ContinuousClock.now
      let header = try await RawCall(bed.port()).exchange(["GET /api/v1/databases HTTP/1.1\r\nHost: x\r\n"])
      #expect(header.isEmpty && ContinuousClock.now - began < .seconds(10))
      // A byte now and then keeps the connection from being silent; the body's own deadline ends it.
      let head =
        "POST /api/v1/databases/shop/backups HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        + "Authorization: Bearer \(bed.kube.token)\r\nContent-Length: 1000\r\n\r\n"
      let slow = try await RawCall(bed.port()).exchange(
        [head] + Array(repeating: " ", count: 12), every: .milliseconds(400))
      #expect(slow.contains("400 ") && slow.contains("did not arrive within 2 s"))
    }
  }

  @Test("1,000 idle connections keep nobody out, and are ended")
  func idleConnections() async throws {
    try await FacadeBed.with("limits", change: { $0.limits.silence = .seconds(3) }) { bed in
      let group = MultiThreadedEventLoopGroup.singleton
      var channels: [any Channel] = []
      for _ in 0..<1000 {
        channels.append(try await ClientBootstrap(group: group).connect(host: "127.0.0.1", port: bed.port()).get())
      }
      let began = ContinuousClock.now
      try await bed.call("GET", "/databases").expect(200)
      #expect(ContinuousClock.now - began < .seconds(2))
      for channel in channels {
        try await eventually(within: .seconds(20), "the server ends an idle connection") { !channel.isActive }
      }
    }
  }

  @Test("past the last connection further ones wait, and are served when one ends")
  func connections() async throws {
    try await FacadeBed.with(
      "limits",
      change: {
        $0.limits.connections = 2
        $0.limits.silence = .seconds(2)
      }
    ) { bed in
      let group = MultiThreadedEventLoopGroup.singleton
      for _ in 0..<2 {
        _ = try await ClientBootstrap(group: group).connect(host: "127.0.0.1", port: bed.port()).get()
      }
      try await bed.call("GET", "/databases").expect(200)
    }
  }

  @Test("a caller that calls too often is told when to call again; another one is not")
  func rate() async throws {
    let place = try await FacadeBed.keysSecret(["viewer": "rate-key"], namespaces: ["*"])
    try await FacadeBed.with(
      "limits",
      change: {
        $0.limits.rate = RateLimit(perSecond: 0.5, burst: 3)
        $0.serviceKeys = place
      }
    ) { bed in
      for _ in 0..<3 { try await bed.call("GET", "/databases").expect(200) }
      let refused = try await bed.call("GET", "/databases").expect(429)
      #expect(refused.code == "TOO_MANY_REQUESTS" && refused.headers["retry-after"] == "2")
      try await bed.call("GET", "/databases", as: .key("rate-key")).expect(200)
      try await Task.sleep(for: .seconds(2.1))
      try await bed.call("GET", "/databases").expect(200)
    }
  }

  @Test("a bucket gives what flows in, and never more than it holds")
  func bucket() {
    let limit = RateLimit(perSecond: 10, burst: 3)
    let start = ContinuousClock.now
    var bucket = TokenBucket(limit, now: start)
    #expect((0..<3).allSatisfy { _ in bucket.take(limit, now: start) == nil })
    #expect(bucket.take(limit, now: start) == .seconds(0.1))
    #expect(bucket.take(limit, now: start + .seconds(0.1)) == nil)
    #expect(bucket.take(limit, now: start + .seconds(0.1)) != nil)
    #expect((0..<4).map { _ in bucket.take(limit, now: start + .seconds(100)) == nil } == [true, true, true, false])
    #expect(!bucket.isFull(limit, now: start + .seconds(100)) && bucket.isFull(limit, now: start + .seconds(101)))
  }

  @Test("a cache forgets what has expired, and never grows past its capacity")
  func cache() {
    let cache = ExpiringCache<Int, Int>(capacity: 100)
    let now = ContinuousClock.now
    for number in 0..<1000 { cache.keep(number, for: number, lifetime: .seconds(number + 1), now: now) }
    #expect(cache.count <= 100 && cache.value(999, now: now) == 999)
    #expect(cache.value(999, now: now + .seconds(1000)) == nil)
  }
}

/// A client that speaks HTTP by hand.
struct RawCall {
  private let port: Int

  init(_ port: Int) { self.port = port }

  /// Sends the pieces one after the other, until they are sent or the server has ended the connection; gives what the
  /// server said until then.
  func exchange(_ pieces: [String], every pause: Duration = .zero) async throws -> String {
    try await exchange(pieces.map { ByteBuffer(string: $0) }, every: pause)
  }

  /// A POST whose body does not say its size.
  func chunked(_ path: String, token: String, pieces: Int, of size: Int) async throws -> String {
    let head =
      "POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      + "Authorization: Bearer \(token)\r\nTransfer-Encoding: chunked\r\n\r\n"
    let chunk = "\(String(size, radix: 16))\r\n\(String(repeating: "x", count: size))\r\n"
    return try await exchange([head] + Array(repeating: chunk, count: pieces))
  }

  private func exchange(_ pieces: [ByteBuffer], every pause: Duration) async throws -> String {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connect(host: "127.0.0.1", port: port) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    return try await channel.executeThenClose { inbound, outbound in
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          for piece in pieces {
            // The server may end the connection before all is sent: that is what is tested.
            guard (try? await outbound.write(piece)) != nil else { return }
            if pause > .zero { try await Task.sleep(for: pause) }
          }
        }
        var said = ""
        do {
          for try await part in inbound { said += String(buffer: part) }
        } catch is IOError {
          // A reset ends it as well.
        }
        group.cancelAll()
        return said
      }
    }
  }
}
