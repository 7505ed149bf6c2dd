import Foundation
import Steps
import TestSupport
import Testing

@Suite("What pg_dump writes passes on to psql as it is")
struct RealDumpTests {
  /// Numbers that look random and are the same every time.
  private struct Numbers: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state ^ (state >> 33)
    }
  }

  private static func passing(_ bytes: [UInt8], cutBy numbers: inout Numbers) throws -> [UInt8] {
    var scanner = DumpScanner()
    var passed: [UInt8] = []
    var position = 0
    while position < bytes.count {
      let length = min(bytes.count - position, Int.random(in: 1...3000, using: &numbers))
      let piece = Array(bytes[position..<(position + length)])
      for range in try piece.withUnsafeBytes({ try scanner.scan($0) }) { passed += piece[range] }
      position += length
    }
    try scanner.finish()
    return passed
  }

  /// The dump with the lines emptied that restrict psql.
  private static func unrestricted(_ dump: Data) -> [UInt8] {
    dump.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { line -> Data in
      line.starts(with: "\\restrict ".utf8) || line.starts(with: "\\unrestrict ".utf8) ? Data() : line
    }.joined(separator: [UInt8(ascii: "\n")]).map { $0 }
  }

  @Test("whatever it is told to write, and wherever the stream is cut")
  func options() async throws {
    try await ImportBench.with { bench in
      try await bench.makeZoo("zoo", rows: 800)
      var numbers = Numbers(state: 20_260_301)
      let table: [[String]] = [
        [], ["--inserts"], ["--column-inserts", "--rows-per-insert=7"], ["--data-only"], ["--schema-only"],
        ["--clean", "--if-exists"], ["--disable-dollar-quoting"], ["--quote-all-identifiers"], ["--no-owner", "-x"],
        ["--section=data"], ["--no-blobs"], ["--use-set-session-authorization"], ["--enable-row-security"],
        ["--serializable-deferrable", "--no-comments"], ["--disable-triggers", "--data-only"],
      ]
      for options in table {
        let dump = try await bench.dump("zoo", options)
        let expected = Self.unrestricted(dump)
        for _ in 0..<5 {
          let passed = try Self.passing(Array(dump), cutBy: &numbers)
          #expect(passed == expected, "\(options)")
        }
      }
    }
  }

  @Test("cut short anywhere, it is refused at the latest at its end")
  func cutShort() async throws {
    try await ImportBench.with { bench in
      try await bench.makeZoo("zoo", rows: 100)
      let dump = Array(try await bench.dump("zoo"))
      let trailer = Array("-- PostgreSQL database dump complete\n".utf8)
      let end = try #require(dump.firstRange(of: trailer)).lowerBound
      var numbers = Numbers(state: 7)
      for _ in 0..<400 {
        let length = Int.random(in: 40..<end, using: &numbers)
        #expect(throws: DumpRefusal.self, "cut at byte \(length)") {
          var scanner = DumpScanner()
          _ = try dump[..<length].withUnsafeBytes { try scanner.scan($0) }
          try scanner.finish()
        }
      }
    }
  }
}
