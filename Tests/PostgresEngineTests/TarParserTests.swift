import NIOCore
import PostgresEngine
import Testing

@Suite("The tar stream of a base backup")
struct TarParserTests {
  @Test("an archive cut in two at any byte gives the same entries")
  func everySplit() throws {
    let archive = Self.archive(ending: .zeros)
    let whole = try Self.read([archive])
    #expect(whole.count == 5)
    for split in 1..<archive.readableBytes {
      let first = try #require(archive.getSlice(at: 0, length: split))
      let second = try #require(archive.getSlice(at: split, length: archive.readableBytes - split))
      #expect(try Self.read([first, second]) == whole, "cut at \(split)")
    }
  }

  @Test("an archive that arrives byte by byte gives the same entries")
  func byteByByte() throws {
    let archive = Self.archive(ending: .zeros)
    let bytes = archive.readableBytesView.map { ByteBuffer(bytes: [$0]) }
    #expect(try Self.read(bytes) == Self.read([archive]))
  }

  @Test("servers before 15 leave out the zeros at the end of an archive")
  func withoutZeros() throws {
    #expect(try Self.read([Self.archive(ending: .none)]) == Self.read([Self.archive(ending: .zeros)]))
  }

  @Test("a size that octal digits cannot hold is read in base 256")
  func largeFile() throws {
    var parser = TarParser()
    parser.push(Self.header("base/1/2", size: .base256(20 << 30)))
    guard case .entry(let entry) = try parser.next() else {
      Issue.record("no entry")
      return
    }
    #expect(entry.size == 20 << 30)
  }

  @Test("an archive that breaks off in an entry is an error")
  func truncated() throws {
    var parser = TarParser()
    parser.push(try #require(Self.archive(ending: .zeros).getSlice(at: 0, length: 700)))
    while try parser.next() != nil {}
    #expect(throws: TarError.self) { try parser.finish() }
  }

  @Test("a header with a flipped bit is an error")
  func flipped() throws {
    var archive = Self.archive(ending: .zeros)
    archive.setInteger(UInt8(ascii: "x"), at: 3)
    #expect(throws: TarError.self) { try Self.read([archive]) }
  }

  /// Entries with their content put together, so that how it arrived does not show.
  struct Read: Equatable {
    var entry: TarEntry
    var content = ByteBuffer()
  }

  static func read(_ portions: [ByteBuffer]) throws -> [Read] {
    var parser = TarParser()
    var read: [Read] = []
    for portion in portions {
      parser.push(portion)
      while let event = try parser.next() {
        switch event {
        case .entry(let entry): read.append(Read(entry: entry))
        case .content(let bytes): read[read.count - 1].content.writeImmutableBuffer(bytes)
        case .endOfEntry: break
        }
      }
    }
    try parser.finish()
    return read
  }

  enum Ending { case zeros, none }
  enum Size {
    case octal(Int)
    case base256(Int)
  }

  static func archive(ending: Ending) -> ByteBuffer {
    var archive = ByteBuffer()
    archive.writeImmutableBuffer(header("base/", flag: "5", size: .octal(0)))
    archive.writeImmutableBuffer(file("PG_VERSION", count: 3))
    archive.writeImmutableBuffer(file("base/1/112", count: 1024))
    archive.writeImmutableBuffer(header("pg_tblspc/16390", flag: "2", size: .octal(0), link: "/srv/space"))
    archive.writeImmutableBuffer(file("empty", count: 0))
    if ending == .zeros { archive.writeRepeatingByte(0, count: 1024) }
    return archive
  }

  private static func file(_ path: String, count: Int) -> ByteBuffer {
    var file = header(path, size: .octal(count))
    file.writeBytes((0..<count).map { UInt8(truncatingIfNeeded: $0) })
    file.writeRepeatingByte(0, count: (512 - count % 512) % 512)
    return file
  }

  static func header(_ path: String, flag: Unicode.Scalar = "0", size: Size, link: String = "") -> ByteBuffer {
    var header = ByteBuffer(repeating: 0, count: 512)
    header.setString(path, at: 0)
    header.setString("0000600\0", at: 100)
    header.setString("0000145\0", at: 108)
    header.setString("0000150\0", at: 116)
    switch size {
    case .octal(let bytes):
      let digits = String(bytes, radix: 8)
      header.setString(String(repeating: "0", count: 11 - digits.count) + digits, at: 124)
    case .base256(let bytes):
      header.setInteger(UInt8(0x80), at: 124)
      header.setInteger(UInt64(bytes), at: 128)
    }
    header.setString("14531461200\0", at: 136)
    header.setInteger(UInt8(flag.value), at: 156)
    header.setString(link, at: 157)
    header.setString("ustar\u{0}00", at: 257)
    header.setString("        ", at: 148)
    let sum = header.readableBytesView.reduce(0) { $0 + Int($1) }
    header.setString("0" + String(sum, radix: 8) + "\0 ", at: 148)
    return header
  }
}
