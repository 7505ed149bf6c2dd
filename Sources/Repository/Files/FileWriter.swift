public import NIOCore

/// Takes the bytes of one file of a snapshot. Calls must come one after the other.
public actor FileWriter {
  /// Bytes that are taken at a time, so that the unfinished piece never grows far beyond the longest piece.
  private static let portion = 512 << 10

  private let writer: BlobWriter
  private var cutter: PieceCutter
  private var content: [BlobID] = []
  private var size: Int64 = 0
  private let finished: @Sendable (Int64, [BlobID]) throws -> Void

  init(
    writer: BlobWriter, cutter: PieceCutter, finished: @escaping @Sendable (Int64, [BlobID]) throws -> Void
  ) {
    self.writer = writer
    self.cutter = cutter
    self.finished = finished
  }

  /// Takes the next bytes. Returns when there is room for more: how fast the store takes them decides.
  public func write(_ bytes: ByteBuffer) async throws {
    var bytes = bytes
    size += Int64(bytes.readableBytes)
    while let portion = bytes.readSlice(length: min(Self.portion, bytes.readableBytes)), portion.readableBytes > 0 {
      cutter.pending.writeImmutableBuffer(portion)
      while let piece = cutter.next() { content.append(try await writer.save(.data, piece).id) }
    }
  }

  /// The file ends here: it is in the snapshot now. Returns how many bytes it has.
  @discardableResult
  public func finish() async throws -> Int64 { try await end().size }

  /// As `finish`, and gives the blobs that the file consists of.
  func end() async throws -> (size: Int64, content: [BlobID]) {
    if let piece = cutter.rest() { content.append(try await writer.save(.data, piece).id) }
    try finished(size, content)
    defer { content = [] }
    return (size, content)
  }
}
