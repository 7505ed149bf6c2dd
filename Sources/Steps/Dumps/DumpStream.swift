import NIOCore

/// A dump's bytes, a piece at a time, with a look ahead. One task reads it.
struct DumpStream {
  private var ahead = ByteBuffer()
  private var pull: () async throws -> ByteBuffer?

  /// The bytes that `pull` gives until it gives nil.
  init(_ pull: @escaping () async throws -> ByteBuffer?) { self.pull = pull }

  /// The bytes of `sequence`, which is read once.
  init<Base: AsyncSequence>(_ sequence: Base) where Base.Element == ByteBuffer {
    var iterator = sequence.makeAsyncIterator()
    pull = { try await iterator.next() }
  }

  /// The first `count` bytes of what is left, or all of it; they stay.
  mutating func head(_ count: Int) async throws -> [UInt8] {
    while ahead.readableBytes < count, var piece = try await pull() { ahead.writeBuffer(&piece) }
    return Array(ahead.readableBytesView.prefix(count))
  }

  /// Passes over the first bytes.
  mutating func skip(_ count: Int) { ahead.moveReaderIndex(forwardBy: min(count, ahead.readableBytes)) }

  /// The next bytes, never none; nil at the end.
  mutating func next() async throws -> ByteBuffer? {
    if ahead.readableBytes > 0 {
      defer { ahead = ByteBuffer() }
      return ahead
    }
    while let piece = try await pull() {
      if piece.readableBytes > 0 { return piece }
    }
    return nil
  }

  /// The same bytes; tells after each piece how many were read of `total`.
  func counted(of total: Int64, _ tell: @escaping (Int64, Int64) -> Void) -> DumpStream {
    var source = self
    var done: Int64 = 0
    return DumpStream {
      guard let piece = try await source.next() else { return nil }
      done += Int64(piece.readableBytes)
      tell(done, total)
      return piece
    }
  }

  /// What `decoder` makes of these bytes.
  func decoded(by decoder: any DumpDecoder) -> DumpStream {
    var source = self
    var input = ByteBuffer()
    var isAtEnd = false
    return DumpStream {
      while true {
        let output = try decoder.decode(&input)
        if output.readableBytes > 0 { return output }
        guard !isAtEnd else { return nil }
        if input.readableBytes > 0 { continue }
        guard let piece = try await source.next() else {
          isAtEnd = true
          try decoder.finish()
          continue
        }
        input = piece
      }
    }
  }
}

/// Takes a compression away. One task uses it.
protocol DumpDecoder: AnyObject {
  /// Reads as much of `input` as makes a piece of output, and gives it; an empty piece where more input is needed.
  func decode(_ input: inout ByteBuffer) throws -> ByteBuffer

  /// The input is at its end. Throws a ``StepError`` where it can't end here.
  func finish() throws
}

/// How large a piece of output is at most.
let decodedPieceSize = 256 << 10
