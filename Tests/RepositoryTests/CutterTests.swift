import NIOCore
import Repository
import Testing

@Suite("How files are cut")
struct CutterTests {
  private let polynomial = ChunkerPolynomial(bits: 0x3DA3_358B_4DC1_73)

  @Test("content is cut where a plain transcription of the definition cuts it, in whatever portions it comes")
  func definition() throws {
    let tables = try RabinTables(polynomial)
    for seed in 0..<3 as Range<UInt64> {
      let bytes = noise(20 << 20, seed: seed)
      let expected = referenceLengths(bytes)
      for portion in [bytes.readableBytes, 512 << 10, 65_537] {
        #expect(try lengths(bytes, portion: portion, .contentDefined, tables) == expected)
      }
    }
  }

  @Test("a stretch without any place to cut is cut at 8 MiB")
  func maximum() throws {
    let bytes = ByteBuffer(repeating: 1, count: 20 << 20)
    let tables = try RabinTables(polynomial)
    #expect(try lengths(bytes, portion: 1 << 20, .contentDefined, tables) == referenceLengths(bytes))
  }

  @Test("fixed pieces have the given length, but for the last")
  func fixed() throws {
    let tables = try RabinTables(polynomial)
    let bytes = noise(1 << 20 + 5, seed: 1)
    #expect(try lengths(bytes, portion: 100_000, .fixed(bytes: 512 << 10), tables) == [512 << 10, 512 << 10, 5])
    #expect(try lengths(ByteBuffer(), portion: 1, .fixed(bytes: 8192), tables) == [])
    for length in [0, 8191, 8193, 32 << 20] {
      #expect(throws: RepositoryError.self) { try PieceCutter(.fixed(bytes: length), tables: tables) }
    }
  }

  @Test("one core cuts more than 600 MB of random bytes a second")
  func speed() throws {
    let tables = try RabinTables(polynomial)
    let cutter = ContentDefinedCutter(tables: tables)
    let bytes = noise(64 << 20, seed: 9)
    // The best of some, for others work on this machine too.
    let best = (0..<5).map { _ in
      let begin = ContinuousClock.now
      bytes.withUnsafeReadableBytes { all in
        var start = 0
        while let length = cutter.end(in: UnsafeRawBufferPointer(rebasing: all[start...]), searched: 0) {
          start += length
        }
      }
      return ContinuousClock.now - begin
    }.min()
    let rate = Double(bytes.readableBytes) / ((best ?? .seconds(1)) / .seconds(1))
    print("cutter: \(Int(rate / 1e6)) MB/s")
    #expect(rate > 600e6)
  }

  private func lengths(
    _ bytes: ByteBuffer, portion: Int, _ cutting: Cutting, _ tables: RabinTables
  ) throws -> [Int] {
    var cutter = try PieceCutter(cutting, tables: tables)
    var bytes = bytes
    var pieces = [ByteBuffer]()
    while bytes.readableBytes > 0, let part = bytes.readSlice(length: min(portion, bytes.readableBytes)) {
      cutter.pending.writeImmutableBuffer(part)
      while let piece = cutter.next() { pieces.append(piece) }
    }
    if let rest = cutter.rest() { pieces.append(rest) }
    return pieces.map(\.readableBytes)
  }

  /// The definition as it stands: a window of 64 bytes that begins with a one, fed byte by byte after 512 KiB less 64.
  private func referenceLengths(_ buffer: ByteBuffer) -> [Int] {
    let bytes = buffer.readableBytesView
    let degree = 63 - polynomial.bits.leadingZeroBitCount
    func reduced(_ value: UInt64) -> UInt64 {
      var rest = value
      while rest != 0, 63 - rest.leadingZeroBitCount >= degree {
        rest ^= polynomial.bits << UInt64(63 - rest.leadingZeroBitCount - degree)
      }
      return rest
    }
    let leaving = (0..<256 as Range<UInt64>).map { byte in
      (0..<63).reduce(reduced(byte)) { value, _ in reduced(value << 8) }
    }
    let top = (0..<256 as Range<UInt64>).map { reduced($0 << UInt64(degree)) | $0 << UInt64(degree) }
    var lengths = [Int]()
    var start = 0
    while start < bytes.count {
      var window = [UInt8](repeating: 0, count: 64)
      window[0] = 1
      var (digest, place, length) = (UInt64(1), 1, (512 << 10) - 64)
      guard start + length < bytes.count else {
        lengths.append(bytes.count - start)
        break
      }
      while start + length < bytes.count {
        let byte = bytes[start + length]
        digest ^= leaving[Int(window[place])]
        window[place] = byte
        place = (place + 1) % 64
        digest = (digest << 8 | UInt64(byte)) ^ top[Int(digest >> UInt64(degree - 8))]
        length += 1
        if length >= 512 << 10, digest & (1 << 20 - 1) == 0 || length >= 8 << 20 { break }
      }
      lengths.append(length)
      start += length
    }
    return lengths
  }
}
