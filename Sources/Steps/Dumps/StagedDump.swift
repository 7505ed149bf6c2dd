import NIOCore
import Repository

/// How a dump that was uploaded lies in the bucket: sealed like everything else, in pieces, so that it streams.
///
///     object = "TIDEMARK DUMP 1\n" ‖ piece …
///     piece  = length of what follows (4 bytes, big-endian) ‖ sealed frame
///     frame  = one Zstandard frame of: number (8 bytes, big-endian, from 0) ‖ last (1 byte: 0 or 1) ‖ bytes
///
/// Sealed with the key of the database's repository. Number and mark are inside of the seal, so that a piece that is
/// missing, doubled or in another's place is noticed, and so is an end that is not the end.
enum StagedDump {
  static let signature = Array("TIDEMARK DUMP 1\n".utf8)
  /// How many bytes of the dump a piece has; the last one has fewer.
  static let pieceSize = 512 << 10
  /// The longest sealed piece that makes sense: its bytes did not compress at all.
  static let sealedLimit = pieceSize + (64 << 10)

  static func damaged(_ why: String) -> StepError {
    StepError(code: .dumpDamaged, message: "the staged dump is damaged: \(why); upload it again")
  }
}

/// The bytes of `base`, as they are stored.
struct SealedDump<Base: AsyncSequence & Sendable>: AsyncSequence, Sendable where Base.Element == ByteBuffer {
  let base: Base
  let key: RepositoryKey

  func makeAsyncIterator() -> Iterator { Iterator(base: base.makeAsyncIterator(), key: key) }

  struct Iterator: AsyncIteratorProtocol {
    private enum State { case atStart, within, atEnd }

    private var base: Base.AsyncIterator
    private let key: RepositoryKey
    private var state = State.atStart
    private var number: UInt64 = 0
    private var rest = ByteBuffer()

    init(base: Base.AsyncIterator, key: RepositoryKey) { (self.base, self.key) = (base, key) }

    mutating func next() async throws -> ByteBuffer? {
      switch state {
      case .atStart:
        state = .within
        return ByteBuffer(bytes: StagedDump.signature)
      case .within: return try await piece()
      case .atEnd: return nil
      }
    }

    private mutating func piece() async throws -> ByteBuffer {
      // One byte more than a piece has tells whether it is the last.
      while rest.readableBytes <= StagedDump.pieceSize {
        guard var more = try await base.next() else {
          state = .atEnd
          break
        }
        rest.writeBuffer(&more)
      }
      let count = Swift.min(rest.readableBytes, StagedDump.pieceSize)
      var plain = ByteBuffer()
      plain.reserveCapacity(count + 9)
      plain.writeInteger(number)
      plain.writeInteger(UInt8(state == .atEnd ? 1 : 0))
      if var bytes = rest.readSlice(length: count) { plain.writeBuffer(&bytes) }
      rest.discardReadBytes()
      number += 1
      var sealed = try key.seal(try Zstd.compress(plain))
      var stored = ByteBuffer()
      stored.reserveCapacity(sealed.readableBytes + 4)
      stored.writeInteger(UInt32(sealed.readableBytes))
      stored.writeBuffer(&sealed)
      return stored
    }
  }
}

/// Opens what ``SealedDump`` made; the signature has been passed over.
final class StagedDumpDecoder: DumpDecoder {
  private let key: RepositoryKey
  private var held = ByteBuffer()
  private var number: UInt64 = 0
  private var isComplete = false

  init(key: RepositoryKey) { self.key = key }

  func decode(_ input: inout ByteBuffer) throws -> ByteBuffer {
    held.writeBuffer(&input)
    while let sealed = try nextPiece() {
      let bytes = try open(sealed)
      if bytes.readableBytes > 0 { return bytes }
    }
    return ByteBuffer()
  }

  func finish() throws {
    guard isComplete, held.readableBytes == 0 else { throw StagedDump.damaged("its end is missing") }
  }

  private func nextPiece() throws -> ByteBuffer? {
    guard let length = held.getInteger(at: held.readerIndex, as: UInt32.self).map({ Int($0) }) else { return nil }
    guard !isComplete else { throw StagedDump.damaged("something follows its end") }
    guard length <= StagedDump.sealedLimit else { throw StagedDump.damaged("a piece is longer than any is written") }
    guard held.readableBytes >= 4 + length else { return nil }
    held.moveReaderIndex(forwardBy: 4)
    let piece = held.readSlice(length: length)
    held.discardReadBytes()
    return piece
  }

  private func open(_ sealed: ByteBuffer) throws -> ByteBuffer {
    var plain: ByteBuffer
    do {
      plain = try Zstd.decompress(try key.open(sealed), limit: StagedDump.pieceSize + 9)
    } catch let error as RepositoryError {
      throw StagedDump.damaged("piece \(number) can't be opened (\(error.message))")
    }
    guard plain.readInteger(as: UInt64.self) == number, let last = plain.readInteger(as: UInt8.self) else {
      throw StagedDump.damaged("piece \(number) is missing, or another is in its place")
    }
    number += 1
    isComplete = last == 1
    return plain
  }
}
