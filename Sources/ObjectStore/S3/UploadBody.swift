internal import NIOCore
internal import Synchronization

/// When an upload last moved.
final class UploadProgress: Sendable {
  private enum State {
    case moved(ContinuousClock.Instant)
    /// We wait ourselves, or all bytes are handed over: then nothing can stall here.
    case excused
  }

  private let state = Mutex(State.moved(.now))

  func moved() { state.withLock { $0 = .moved(.now) } }
  func excuse() { state.withLock { $0 = .excused } }

  /// Whether no byte moved for nearly `bound`: what ends such an upload is that it stalled, whoever noticed it first.
  func stoodStill(for bound: Duration) -> Bool {
    guard case .moved(let last) = state.withLock({ $0 }) else { return false }
    return last.duration(to: .now) >= bound * 0.8
  }

  /// Returns never; throws `UploadStalled` when no byte moved for `bound`, and ends when it is cancelled.
  func watch(_ bound: Duration) async throws -> Never {
    while true {
      let left: Duration =
        switch state.withLock({ $0 }) {
        case .excused: bound
        case .moved(let last): bound - last.duration(to: .now)
        }
      if left <= .zero { throw UploadStalled() }
      try await Task.sleep(for: left)
    }
  }
}

/// A body in pieces that the connection asks for as it gets rid of them. Pieces share the body's memory.
struct UploadBody: AsyncSequence, Sendable {
  typealias Element = ByteBuffer

  /// Small enough to show progress on slow lines, large enough not to matter on fast ones.
  static let pieceSize = 256 << 10

  let body: ByteBuffer
  let limit: BandwidthLimit?
  let progress: UploadProgress

  func makeAsyncIterator() -> Iterator { Iterator(rest: body, limit: limit, progress: progress) }

  struct Iterator: AsyncIteratorProtocol {
    var rest: ByteBuffer
    let limit: BandwidthLimit?
    let progress: UploadProgress

    mutating func next() async throws -> ByteBuffer? {
      // Under a limit a piece should take a tenth of a second or so, not many.
      let size = limit == nil ? UploadBody.pieceSize : UploadBody.pieceSize / 8
      guard let piece = rest.readSlice(length: Swift.min(size, rest.readableBytes)), piece.readableBytes > 0 else {
        progress.excuse()
        return nil
      }
      if let limit {
        progress.excuse()
        try await limit.take(piece.readableBytes)
      }
      progress.moved()
      return piece
    }
  }
}
