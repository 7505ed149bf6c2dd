public import NIOCore

/// The bytes of an object, a piece at a time. Can be read once.
///
/// The next piece is asked for when the reader comes for it, so memory stays bounded by a few pieces. Dropping the body
/// ends the transfer. It ends normally only after all bytes that `info` promised came through (and fitted their
/// checksum, where the store has one); everything else throws.
public struct ObjectBody: AsyncSequence, Sendable {
  public typealias Element = ByteBuffer
  public typealias Failure = any Error

  /// The object that is read: `size` is that of the whole object, also when only a range of it is read.
  public let info: ObjectInfo
  /// Bytes that will come.
  public let length: Int64

  private let pull: @Sendable () async throws -> ByteBuffer?

  /// A body of `length` bytes that come from calling `next` until it gives nil.
  public init(info: ObjectInfo, length: Int64, next: @escaping @Sendable () async throws -> ByteBuffer?) {
    self.info = info
    self.length = length
    self.pull = next
  }

  public func makeAsyncIterator() -> Iterator { Iterator(pull: pull) }

  /// Reads a body.
  public struct Iterator: AsyncIteratorProtocol {
    let pull: @Sendable () async throws -> ByteBuffer?

    public mutating func next() async throws -> ByteBuffer? { try await pull() }
  }

  /// All bytes in one buffer.
  public func collected() async throws -> ByteBuffer {
    guard var whole = try await pull() else { return ByteBuffer() }
    if Int64(whole.readableBytes) < length { whole.reserveCapacity(Int(length)) }
    while var piece = try await pull() { whole.writeBuffer(&piece) }
    return whole
  }
}
