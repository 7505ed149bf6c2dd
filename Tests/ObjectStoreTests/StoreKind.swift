import NIOCore
import ObjectStore
import TestSupport
import Testing

/// The stores that the conformance suite holds to the protocol's word.
enum StoreKind: String, CaseIterable, Sendable {
  case directory
  case s3

  /// Runs `body` with an empty store.
  func with<R>(_ body: (any ObjectStore) async throws -> R) async throws -> R {
    switch self {
    case .directory:
      return try await ScratchDirectory.with("store") { try await body(DirectoryStore(root: $0.file("root"))) }
    case .s3:
      return try await S3Store.with { try await body($0) }
    }
  }
}

/// Bytes that look random and are the same for the same seed.
func bytes(_ count: Int, seed: UInt64 = 1) -> ByteBuffer {
  var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
  var buffer = ByteBufferAllocator().buffer(capacity: count + 8)
  while buffer.readableBytes < count {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    buffer.writeInteger(state)
  }
  return buffer.readSlice(length: count) ?? ByteBuffer()
}

/// A stream of `total` bytes in pieces, each made when it is asked for.
struct Pieces: AsyncSequence, Sendable {
  typealias Element = ByteBuffer
  let total: Int
  var piece = 300_000
  /// Thrown after that many bytes.
  var failsAfter: Int?

  struct Broken: Error {}

  func makeAsyncIterator() -> Iterator { Iterator(sequence: self) }

  struct Iterator: AsyncIteratorProtocol {
    let sequence: Pieces
    var sent = 0

    mutating func next() async throws -> ByteBuffer? {
      if let limit = sequence.failsAfter, sent >= limit { throw Broken() }
      let count = Swift.min(sequence.piece, sequence.total - sent)
      if count == 0 { return nil }
      defer { sent += count }
      return bytes(count, seed: UInt64(sent + 1))
    }
  }

  /// The whole, in memory.
  func collected() async throws -> ByteBuffer {
    var all = ByteBufferAllocator().buffer(capacity: total)
    for try await var piece in self { all.writeBuffer(&piece) }
    return all
  }
}

/// The code that `body` fails with; nil when it does not fail.
func code(_ body: () async throws -> Void) async -> ObjectStoreError.Code? {
  do {
    try await body()
    return nil
  } catch let error as ObjectStoreError {
    return error.code
  } catch is CancellationError {
    return .cancelled
  } catch {
    Issue.record("a store throws ObjectStoreError, but this was \(error)")
    return nil
  }
}
