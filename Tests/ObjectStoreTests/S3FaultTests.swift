import NIOCore
import ObjectStore
import TestSupport
import Testing

/// The network and the server at their worst: a proxy with faults before the real server, and the server killed.
@Suite(.timeLimit(.minutes(3))) struct S3FaultTests {
  private func withProxy(
    _ adjust: (inout S3Configuration) -> Void = { _ in }, _ body: (S3Store, FaultProxy) async throws -> Void
  ) async throws {
    let server = try await TestServers.s3()
    let proxy = try await FaultProxy.start(to: server.port)
    var configuration = try await server.configuration(endpoint: "http://127.0.0.1:\(proxy.port)")
    configuration.stallTimeout = .seconds(1)
    configuration.retry.firstDelay = .milliseconds(10)
    adjust(&configuration)
    try await S3Store.with(configuration, server.credentials) { try await body($0, proxy) }
    try await proxy.stop()
  }

  @Test("a download cut at any byte is resumed where it broke")
  func cutDownloads() async throws {
    try await withProxy { store, proxy in
      let content = bytes(3 << 20)
      try await store.put("k", content)
      for cut in [0, 1, 100, 300, 70_000, 1 << 20, 3 << 20] {
        proxy.resetConnections()
        proxy.injectNext(.reset(after: cut, .toClient), .close(after: cut * 2, .toClient))
        #expect(try await store.get("k") == content, "cut after \(cut)")
      }
    }
  }

  @Test("a download whose object is replaced before it resumes is an error, never a mixture")
  func replacedWhileRead() async throws {
    try await withProxy { store, proxy in
      try await store.put("k", bytes(30 << 20, seed: 1))
      proxy.resetConnections()
      proxy.injectNext(.reset(after: 25 << 20, .toClient))
      let body = try await store.stream("k")
      var iterator = body.makeAsyncIterator()
      _ = try await iterator.next()
      try await store.put("k", bytes(30 << 20, seed: 2))
      let failure = await code { while try await iterator.next() != nil {} }
      #expect(failure == .corrupted)
    }
  }

  @Test("uploads cut at any byte of request or answer succeed, whole, also where they may only create")
  func cutUploads() async throws {
    try await withProxy { store, proxy in
      for (index, cut) in [0, 1, 200, 700, 1_000, 100_000, 1 << 20].enumerated() {
        for (condition, name) in [(PutCondition.always, "always"), (.ifAbsent, "once")] {
          proxy.resetConnections()
          proxy.injectNext(.reset(after: cut, .toServer))
          let key = "\(name)/\(index)"
          let content = bytes(2 << 20, seed: UInt64(index + 1))
          try await store.put(key, content, condition: condition)
          #expect(try await store.get(key) == content)
        }
      }
    }
  }

  @Test("a conditional put whose answer was lost is known as our own; another's is not")
  func lostAnswer() async throws {
    try await withProxy { store, proxy in
      for (index, cut) in [0, 5, 20].enumerated() {
        proxy.resetConnections()
        proxy.injectNext(.reset(after: cut, .toClient))
        try await store.put("mine/\(index)", bytes(1_000), condition: .ifAbsent)
      }
      try await store.put("theirs", bytes(1_000))
      proxy.resetConnections()
      proxy.injectNext(.reset(after: 5, .toClient))
      #expect(await code { try await store.put("theirs", bytes(1_000), condition: .ifAbsent) } == .alreadyExists)
    }
  }

  @Test("multipart uploads survive connections cut at random bytes, and what comes back is what was sent")
  func cutMultipart() async throws {
    try await withProxy { store, proxy in
      proxy.rule { number in
        var dice = SeededDice(state: UInt64(number) &* 77)
        switch number % 3 {
        case 0: return .none
        case 1: return .reset(after: Int(dice.next() % 3_000), .toClient)
        default: return .reset(after: Int(dice.next() % 9_000_000), .toServer)
        }
      }
      for round in 0..<3 {
        try await store.put("m\(round)", stream: Pieces(total: 31_000_000), condition: .ifAbsent)
      }
      proxy.inject(.none)
      let expected = try await Pieces(total: 31_000_000).collected()
      for round in 0..<3 { #expect(try await store.get("m\(round)") == expected) }
    }
  }

  @Test("an answer that stalls is a timeout after the bound, once attempts are used up")
  func stalls() async throws {
    try await withProxy({ $0.retry.attempts = 2 }) { store, proxy in
      try await store.put("k", bytes(8 << 20))
      for firstAnswers in [0, 1 << 20] {
        proxy.resetConnections()
        let first = proxy.connectionCount + 1
        proxy.rule { .stall(after: $0 == first ? firstAnswers : 0, .toClient) }
        let started = ContinuousClock.now
        #expect(await code { _ = try await store.get("k") } == .timeout)
        #expect(started.duration(to: .now) < .seconds(10))
      }
    }
  }

  @Test("an upload that stalls is a timeout after the bound, once attempts are used up")
  func stalledUpload() async throws {
    try await withProxy({ $0.retry.attempts = 2 }) { store, proxy in
      proxy.rule { _ in .stall(after: 100_000, .toServer) }
      let started = ContinuousClock.now
      let error = await #expect(throws: ObjectStoreError.self) { try await store.put("k", bytes(20 << 20)) }
      #expect(error?.code == .timeout, "\(error?.message ?? "")")
      #expect(started.duration(to: .now) < .seconds(10))
      // Both attempts stalled at the byte where they were told to: what kernel buffers took went no further.
      #expect(proxy.forwarded(.toServer) == 2 * 100_000)
    }
  }

  @Test("a stall that happens once is survived")
  func oneStall() async throws {
    try await withProxy { store, proxy in
      proxy.injectNext(.stall(after: 100_000, .toServer))
      try await store.put("k", bytes(20 << 20))
      proxy.resetConnections()
      proxy.injectNext(.stall(after: 3 << 20, .toClient))
      #expect(try await store.get("k") == bytes(20 << 20))
    }
  }

  @Test("a server that is gone gets few requests, with pauses: no storm")
  func noStorm() async throws {
    try await withProxy({ $0.retry.attempts = 5 }) { store, proxy in
      proxy.inject(.refuse)
      let failures = await withTaskGroup(of: ObjectStoreError.Code?.self) { group in
        for number in 0..<8 { group.addTask { await code { _ = try await store.head("k\(number)") } } }
        return await group.reduce(into: []) { $0.append($1) }
      }
      #expect(failures.allSatisfy { $0 == .endpointUnreachable })
      #expect(proxy.connectionCount <= 8 * 5)
    }
  }

  @Test("a reader slower than the stall bound still gets everything")
  func slowReader() async throws {
    try await withProxy { store, _ in
      let content = bytes(12 << 20)
      try await store.put("k", content)
      var whole = ByteBuffer()
      var pauses = 2
      for try await var piece in try await store.stream("k") {
        if whole.readableBytes > 1 << 20, pauses > 0 {
          pauses -= 1
          try await Task.sleep(for: .milliseconds(1_500))
        }
        whole.writeBuffer(&piece)
      }
      #expect(whole == content)
    }
  }

  @Test("the server killed and started again amid a multipart upload costs time only")
  func serverKilled() async throws {
    let server = try await TestS3.start()
    let configuration = try await server.configuration()
    try await S3Store.with(configuration, server.credentials) { store in
      async let put = store.put("k", stream: Paced(pieces: Pieces(total: 60_000_000)), condition: .ifAbsent)
      try await Task.sleep(for: .seconds(1))
      try await server.kill9()
      try await server.start()
      #expect(try await put.size == 60_000_000)
      #expect(try await store.get("k") == Pieces(total: 60_000_000).collected())
    }
    try await server.remove()
  }

  @Test("a failed or cancelled multipart upload leaves no parts at the server")
  func abortLeavesNothing() async throws {
    let server = try await TestServers.s3()
    let configuration = try await server.configuration()
    try await S3Store.with(configuration, server.credentials) { store in
      await #expect(throws: Pieces.Broken.self) {
        try await store.put("failed", stream: Pieces(total: 90 << 20, failsAfter: 30 << 20), condition: .always)
      }
      let cancelled = Task {
        await code { try await store.put("cancelled", stream: Pieces(total: 1 << 40), condition: .always) }
      }
      try await eventually("parts arrive") { try await uploads(server, configuration).contains("cancelled") }
      cancelled.cancel()
      #expect(await cancelled.value == .cancelled)
      #expect(try await uploads(server, configuration).contains("<Key>") == false)
    }
  }

  @Test("what uploads in parts took whose process was killed is found by age and prefix, and freed")
  func killedUpload() async throws {
    let server = try await TestServers.s3()
    let configuration = try await server.configuration()
    let keys = ["ours/a b+c%20", "ours/deep/ü", "theirs/d"]
    for key in keys {
      let program = try RunningProgram.start(
        try builtProgram("tidemark-fixture"),
        ["store-put", "--endpoint", server.endpoint, "--bucket", configuration.bucket, "--key", key],
        environment: server.environment)
      try await eventually("the upload of \(key) begins") {
        try await uploads(server, configuration).contains("<Key>\(key)</Key>")
      }
      try await program.kill()
    }
    try await S3Store.with(configuration, server.credentials) { store in
      let young = try await store.abortUnfinishedPuts(prefix: "ours/", olderThan: .seconds(3_600))
      #expect(young == 0)
      #expect(try await uploads(server, configuration).components(of: "<UploadId>") == 3)
      let scoped = store.scoped(to: "ours")
      #expect(try await scoped.abortUnfinishedPuts(prefix: "", olderThan: .zero) == 2)
      let left = try await uploads(server, configuration)
      #expect(left.contains("<Key>theirs/d</Key>") && left.components(of: "<UploadId>") == 1)
      #expect(try await scoped.abortUnfinishedPuts(prefix: "", olderThan: .zero) == 0)
    }
  }

  @Test("more unfinished uploads than one answer names are all freed, also several of one key")
  func manyUnfinishedUploads() async throws {
    let server = try await TestServers.s3()
    var configuration = try await server.configuration()
    configuration.uploadsAtOnce = 3
    for key in ["a", "a", "a", "a", "b", "c/d", "c/d", "e", "f", "z"] {
      try await server.curl("/\(configuration.bucket)/many/\(key)?uploads=", "-X", "POST")
    }
    try await server.curl("/\(configuration.bucket)/other?uploads=", "-X", "POST")
    try await S3Store.with(configuration, server.credentials) { store in
      let freed = try await store.abortUnfinishedPuts(prefix: "many/", olderThan: .zero)
      #expect(freed == 10)
      #expect(try await uploads(server, configuration).components(of: "<UploadId>") == 1)
    }
  }

  private func uploads(_ server: TestS3, _ configuration: S3Configuration) async throws -> String {
    try await server.curl("/\(configuration.bucket)?uploads=")
  }

  @Test("a bandwidth limit holds in both directions, over all operations of the store")
  func bandwidth() async throws {
    try await withProxy({
      $0.uploadBytesPerSecond = 4 << 20
      $0.downloadBytesPerSecond = 4 << 20
    }) { store, _ in
      func seconds(_ body: () async throws -> Void) async throws -> Double {
        let started = ContinuousClock.now
        try await body()
        return started.duration(to: .now) / .seconds(1)
      }
      async let other: ObjectInfo = store.put("other", bytes(4 << 20))
      let up = try await seconds { try await store.put("k", bytes(4 << 20)) }
      _ = try await other
      let down = try await seconds { _ = try await store.get("k") }
      #expect(up > 0.8 && up < 5)
      #expect(down > 0.6 && down < 3)
    }
  }
}

extension String {
  /// How often `part` stands in it.
  fileprivate func components(of part: String) -> Int { ranges(of: part).count }
}

/// A repeatable source of chance.
struct SeededDice: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    var x = state
    x ^= x >> 33
    x = x &* 0xFF51_AFD7_ED55_8CCD
    return x ^ (x >> 33)
  }
}

/// Pieces that come no faster than some ten MB a second.
struct Paced: AsyncSequence, Sendable {
  typealias Element = ByteBuffer
  let pieces: Pieces

  func makeAsyncIterator() -> Iterator { Iterator(base: pieces.makeAsyncIterator()) }

  struct Iterator: AsyncIteratorProtocol {
    var base: Pieces.Iterator
    mutating func next() async throws -> ByteBuffer? {
      try await Task.sleep(for: .milliseconds(25))
      return try await base.next()
    }
  }
}
