import NIOCore
import ObjectStore
import Testing

/// What every object store promises.
@Suite struct ConformanceTests {
  @Test("what was put is what is got, at every size around the edges", arguments: StoreKind.allCases)
  func roundTrip(_ kind: StoreKind) async throws {
    try await kind.with { store in
      for size in [0, 1, 65_535, 65_536, 262_144, 262_145, 6 << 20] {
        let content = bytes(size, seed: UInt64(size))
        let put = try await store.put("size/\(size)", content)
        #expect(put.size == Int64(size) && put.key == "size/\(size)")
        #expect(try await store.get("size/\(size)") == content)
        let head = try await store.head("size/\(size)")
        #expect(head.size == Int64(size) && head.etag == put.etag)
        #expect(head.lastModified.map { abs($0.seconds - UnixTime.now.seconds) < 60 } == true)
      }
    }
  }

  @Test(
    "a later put replaces an earlier one, and a reader who began before still gets one or the other",
    arguments: StoreKind.allCases)
  func replace(_ kind: StoreKind) async throws {
    try await kind.with { store in
      try await store.put("k", bytes(10, seed: 1))
      try await store.put("k", bytes(20, seed: 2))
      #expect(try await store.get("k") == bytes(20, seed: 2))
    }
  }

  @Test("ranges give exactly their bytes; beyond the end is an error", arguments: StoreKind.allCases)
  func ranges(_ kind: StoreKind) async throws {
    try await kind.with { store in
      let content = bytes(100_000)
      try await store.put("k", content)
      for range in [0..<1, 0..<100_000, 99_999..<100_000, 12_345..<67_890] as [Range<Int64>] {
        let part = try await store.get("k", range: range)
        #expect(part == content.getSlice(at: Int(range.lowerBound), length: range.count))
      }
      let body = try await store.stream("k", range: 5..<10)
      #expect(body.length == 5 && body.info.size == 100_000)
      #expect(try await body.collected().readableBytes == 5)
      #expect(try await store.get("k", range: 7..<7).readableBytes == 0)
      for range in [0..<100_001, 100_000..<100_001, 200_000..<200_001, 100_001..<100_001] as [Range<Int64>] {
        #expect(await code { _ = try await store.get("k", range: range) } == .invalidRequest)
      }
    }
  }

  @Test("what is absent is not found, by get, stream, range and head", arguments: StoreKind.allCases)
  func absent(_ kind: StoreKind) async throws {
    try await kind.with { store in
      #expect(await code { _ = try await store.get("none") } == .notFound)
      #expect(await code { _ = try await store.stream("none/deeper") } == .notFound)
      #expect(await code { _ = try await store.get("none", range: 0..<1) } == .notFound)
      #expect(await code { _ = try await store.get("none", range: 0..<0) } == .notFound)
      #expect(await code { _ = try await store.head("none") } == .notFound)
      #expect(try await store.exists("none") == false)
      #expect(try await store.list(prefix: "").collected().isEmpty)
      #expect(try await store.commonPrefixes(prefix: "", delimiter: "/").isEmpty)
      try await store.delete(["none", "none/deeper", "other"])
      try await store.delete("none")
    }
  }

  static let oddKeys = [
    "plain", "with space", "plus+plus", "per%cent", "%2F", "equal=s&amp;and", "q?uery#fragment", "quote\"'<>`|\\^{}",
    "umlaut-ä", "a\u{308}-decomposed", "日本語/キー", "🙂", "a//b", "a///c", "trailing/", "dots/.../x", ".hidden", "~tilde",
    "*star",
    "new\nline", "tab\tbed", "colon:semi;comma,", "at@sign", "%tmp/x", "%e", "x%o", "100%", "crlf\r\nend",
    String(repeating: "k", count: 900), String(repeating: "ü/", count: 300),
  ]

  @Test("odd keys are kept to the byte: put, got, listed, deleted", arguments: StoreKind.allCases)
  func oddKeys(_ kind: StoreKind) async throws {
    try await kind.with { store in
      for (index, key) in Self.oddKeys.enumerated() {
        try await store.put(key, ByteBuffer(string: "\(index)"))
      }
      for (index, key) in Self.oddKeys.enumerated() {
        #expect(try await store.get(key) == ByteBuffer(string: "\(index)"), "key \(key)")
      }
      let listed = try await store.list(prefix: "").collected().map { Array($0.key.utf8) }
      let expected = Self.oddKeys.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
      #expect(listed == expected)
      #expect(try await store.list(prefix: "a//").collected().map(\.key) == ["a///c", "a//b"])
      try await store.delete(Self.oddKeys)
      #expect(try await store.list(prefix: "").collected().isEmpty)
    }
  }

  @Test(
    "a key of 1,000 bytes works; one that no store can hold is refused before anything is sent",
    arguments: StoreKind.allCases)
  func keyLimits(_ kind: StoreKind) async throws {
    try await kind.with { store in
      let key = String(repeating: "l", count: 1_000)
      try await store.put(key, bytes(3))
      #expect(try await store.get(key) == bytes(3))
      #expect(try await store.list(prefix: "").collected().map(\.key) == [key])
      for bad in ["", "/slash", "nul\0", String(repeating: "x", count: 1_025)] {
        #expect(await code { try await store.put(bad, bytes(1)) } == .invalidRequest)
        #expect(await code { _ = try await store.get(bad) } == .invalidRequest)
      }
    }
  }

  @Test("an object and others below its name as a directory live together", arguments: StoreKind.allCases)
  func objectBesideDirectory(_ kind: StoreKind) async throws {
    try await kind.with { store in
      for keys in [["a", "a/b", "a/b/c"], ["z/b/c", "z/b", "z"]] {
        for key in keys { try await store.put(key, ByteBuffer(string: key)) }
        for key in keys { #expect(try await store.get(key) == ByteBuffer(string: key)) }
        for key in keys {
          #expect(await code { try await store.put(key, bytes(1), condition: .ifAbsent) } == .alreadyExists)
        }
        try await store.put(keys[0], ByteBuffer(string: "new"))
        #expect(try await store.get(keys[0]) == ByteBuffer(string: "new"))
      }
      #expect(try await store.list(prefix: "").collected().map(\.key) == ["a", "a/b", "a/b/c", "z", "z/b", "z/b/c"])
      try await store.delete(["a/b", "z"])
      #expect(try await store.list(prefix: "").collected().map(\.key) == ["a", "a/b/c", "z/b", "z/b/c"])
      try await store.delete(["a/b/c", "z/b/c"])
      #expect(try await store.list(prefix: "").collected().map(\.key) == ["a", "z/b"])
      try await store.put("z/b", bytes(5))
      #expect(try await store.get("z/b") == bytes(5))
      try await store.delete(["a", "z/b"])
      try await store.put("a", bytes(4), condition: .ifAbsent)
    }
  }

  @Test("a conditional put creates, and never replaces", arguments: StoreKind.allCases)
  func conditional(_ kind: StoreKind) async throws {
    try await kind.with { store in
      try await store.put("once", bytes(10, seed: 1), condition: .ifAbsent)
      #expect(await code { try await store.put("once", bytes(10, seed: 2), condition: .ifAbsent) } == .alreadyExists)
      #expect(
        await code { try await store.put("once", stream: Pieces(total: 11 << 20), condition: .ifAbsent) }
          == .alreadyExists)
      #expect(try await store.get("once") == bytes(10, seed: 1))
    }
  }

  @Test("of twenty conditional puts at once exactly one wins, and its bytes are there", arguments: StoreKind.allCases)
  func race(_ kind: StoreKind) async throws {
    try await kind.with { store in
      for round in 0..<5 {
        let winners = try await withThrowingTaskGroup(of: Int?.self) { group in
          for writer in 0..<20 {
            group.addTask {
              do {
                try await store.put("race/\(round)", bytes(1_000, seed: UInt64(writer + 1)), condition: .ifAbsent)
                return writer
              } catch let error as ObjectStoreError where error.code == .alreadyExists {
                return nil
              }
            }
          }
          return try await group.reduce(into: [Int]()) { if let winner = $1 { $0.append(winner) } }
        }
        #expect(winners.count == 1)
        #expect(try await store.get("race/\(round)") == bytes(1_000, seed: UInt64((winners.first ?? -2) + 1)))
      }
    }
  }

  @Test(
    "putOnce: the same bytes again are success, other bytes conflict and change nothing", arguments: StoreKind.allCases)
  func putOnce(_ kind: StoreKind) async throws {
    try await kind.with { store in
      try await store.putOnce("k", bytes(70_000, seed: 1))
      try await store.putOnce("k", bytes(70_000, seed: 1))
      #expect(await code { try await store.putOnce("k", bytes(70_000, seed: 2)) } == .conflictingContent)
      #expect(await code { try await store.putOnce("k", bytes(69_999, seed: 1)) } == .conflictingContent)
      #expect(try await store.get("k") == bytes(70_000, seed: 1))
    }
  }

  @Test("streams of any length come back as they were, in parts or not", arguments: StoreKind.allCases)
  func streams(_ kind: StoreKind) async throws {
    try await kind.with { store in
      for total in [0, 1, 1 << 20, 5 << 20, (5 << 20) + 1, 10 << 20, 23_456_789] {
        let info = try await store.put("s", stream: Pieces(total: total), condition: .always)
        #expect(info.size == Int64(total))
        let expected = try await Pieces(total: total).collected()
        var position = 0
        for try await piece in try await store.stream("s") {
          #expect(piece == expected.getSlice(at: position, length: piece.readableBytes))
          position += piece.readableBytes
        }
        #expect(position == total)
      }
      let range: Range<Int64> = 5_242_870..<5_242_890
      let whole = try await store.get("s")
      #expect(try await store.get("s", range: range) == whole.getSlice(at: 5_242_870, length: 20))
    }
  }

  @Test("a stream that fails leaves what was there, and its error comes through", arguments: StoreKind.allCases)
  func failingStream(_ kind: StoreKind) async throws {
    try await kind.with { store in
      try await store.put("k", bytes(5))
      for limit in [0, 1 << 20, 12 << 20] {
        await #expect(throws: Pieces.Broken.self) {
          try await store.put("k", stream: Pieces(total: 20 << 20, failsAfter: limit), condition: .always)
        }
        await #expect(throws: Pieces.Broken.self) {
          try await store.put("new", stream: Pieces(total: 20 << 20, failsAfter: limit), condition: .ifAbsent)
        }
      }
      #expect(try await store.list(prefix: "").collected().map(\.key) == ["k"])
      #expect(try await store.get("k") == bytes(5))
    }
  }

  @Test(
    "a listing has every key once and in order, over pages, by prefix, and from any key on",
    arguments: StoreKind.allCases)
  func listing(_ kind: StoreKind) async throws {
    try await kind.with { store in
      let keys = (0..<2_345).map { "p/\($0 % 7)/" + String($0, radix: 3) }
        .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for worker in 0..<16 {
          group.addTask {
            for key in keys.indices.filter({ $0 % 16 == worker }).map({ keys[$0] }) {
              try await store.put(key, ByteBuffer(string: key))
            }
          }
        }
        try await group.waitForAll()
      }
      let all = try await store.list(prefix: "").collected()
      #expect(all.map(\.key) == keys)
      #expect(all.allSatisfy { $0.size == Int64($0.key.utf8.count) && $0.lastModified != nil })
      #expect(try await store.list(prefix: "p/3").collected().map(\.key) == keys.filter { $0.hasPrefix("p/3") })
      #expect(
        try await store.list(prefix: "p/3/1", startAfter: "p/3/12").collected().map(\.key)
          == keys.filter { $0.hasPrefix("p/3/1") && $0 > "p/3/12" })
      #expect(try await store.list(prefix: "", startAfter: keys[1_500]).collected().map(\.key) == Array(keys[1_501...]))
      #expect(try await store.list(prefix: "", startAfter: "p/4").collected().map(\.key) == keys.filter { $0 > "p/4" })
      var first: [String] = []
      for try await object in store.list(prefix: "p/") {
        first.append(object.key)
        if first.count == 3 { break }
      }
      #expect(first == Array(keys[..<3]))
      #expect(try await store.commonPrefixes(prefix: "p/", delimiter: "/") == (0..<7).map { "p/\($0)/" })
      #expect(try await store.commonPrefixes(prefix: "", delimiter: "/") == ["p/"])
      try await store.delete(keys)
      #expect(try await store.list(prefix: "").collected().isEmpty)
    }
  }

  @Test("common prefixes leave out what has no delimiter, and know odd ones", arguments: StoreKind.allCases)
  func commonPrefixes(_ kind: StoreKind) async throws {
    try await kind.with { store in
      for key in ["top", "a b/x", "a b/y", "a+b/x", "é/x", "d/e/f"] { try await store.put(key, bytes(1)) }
      #expect(try await store.commonPrefixes(prefix: "", delimiter: "/") == ["a b/", "a+b/", "d/", "é/"])
      #expect(try await store.commonPrefixes(prefix: "d/", delimiter: "/") == ["d/e/"])
      #expect(try await store.commonPrefixes(prefix: "a", delimiter: "/") == ["a b/", "a+b/"])
    }
  }

  @Test("a scope sees its own keys only, and scopes nest", arguments: StoreKind.allCases)
  func scopes(_ kind: StoreKind) async throws {
    try await kind.with { store in
      let scope = store.scoped(to: "one").scoped(to: "two/")
      try await scope.put("k", bytes(3))
      try await store.put("one/twofold", bytes(4))
      #expect(try await store.get("one/two/k") == bytes(3))
      #expect(try await scope.list(prefix: "").collected().map(\.key) == ["k"])
      #expect(try await scope.head("k").key == "k")
      #expect(try await store.scoped(to: "one").commonPrefixes(prefix: "", delimiter: "/") == ["two/"])
      try await scope.delete("k")
      #expect(try await store.exists("one/two/k") == false)
    }
  }

  @Test("a digest that does not fit the bytes stores nothing", arguments: StoreKind.allCases)
  func wrongDigest(_ kind: StoreKind) async throws {
    try await kind.with { store in
      let wrong = ContentSHA256(of: bytes(10, seed: 9))
      #expect(await code { try await store.put("k", bytes(10), sha256: wrong, condition: .always) } != nil)
      #expect(try await store.exists("k") == false)
      try await store.put("k", bytes(10), sha256: ContentSHA256(of: bytes(10)), condition: .always)
      #expect(try await store.get("k") == bytes(10))
    }
  }

  @Test("a cancelled task ends soon, and leaves no object", arguments: StoreKind.allCases)
  func cancellation(_ kind: StoreKind) async throws {
    try await kind.with { store in
      let task = Task {
        await code { try await store.put("k", stream: Pieces(total: 1 << 40), condition: .always) }
      }
      try await Task.sleep(for: .milliseconds(300))
      task.cancel()
      #expect(await task.value == .cancelled)
      #expect(try await store.list(prefix: "").collected().isEmpty)
    }
  }
}
