import AsyncHTTPClient
import Foundation
public import KubeModel
import NIOCore
import NIOFoundationCompat

/// A watch: opened when it is first asked for an event, closed when its task is cancelled or the iterator goes.
///
/// Ends without an error where the server ended the watch, as it does after `timeoutSeconds`. Throws `KubeError.status`
/// where the server refuses to open it (410 as an HTTP status included), and `KubeError.transport` where the connection
/// breaks off. Events come one by one as they are asked for: a slow consumer slows the connection down, and nothing is
/// buffered but the line under way.
public struct WatchStream<R: KubeResource>: AsyncSequence, Sendable {
  public typealias Element = WatchEvent<R>

  let operation: String
  let server: String
  let lineLimit: Int
  let open: @Sendable () async throws -> HTTPClientResponse.Body

  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(self) }

  /// The events of one opened watch.
  public struct AsyncIterator: AsyncIteratorProtocol {
    private enum State {
      case closed
      case streaming(HTTPClientResponse.Body.AsyncIterator, LineFramer)
      case finished
    }

    private let stream: WatchStream<R>
    private let decoder = JSONDecoder()
    private var state = State.closed

    init(_ stream: WatchStream<R>) { self.stream = stream }

    /// The next event; nil where the server ended the watch.
    public mutating func next() async throws -> WatchEvent<R>? {
      switch state {
      case .finished: return nil
      case .closed:
        // Whatever happens below, the watch is not opened twice.
        state = .finished
        let body = try await stream.open()
        return try await read(body.makeAsyncIterator(), LineFramer(limit: stream.lineLimit))
      case .streaming(let body, let framer):
        state = .finished
        return try await read(body, framer)
      }
    }

    private mutating func read(
      _ body: HTTPClientResponse.Body.AsyncIterator, _ framer: LineFramer
    ) async throws -> WatchEvent<R>? {
      var (body, framer) = (body, framer)
      while true {
        try Task.checkCancellation()
        if let line = try nextLine(&framer) {
          let event = try decode(line)
          state = .streaming(body, framer)
          return event
        }
        guard let chunk = try await nextChunk(&body) else {
          guard !framer.holdsUnfinishedLine else {
            throw failure(.connectionClosed, "the watch ended in the middle of an event")
          }
          return nil
        }
        framer.append(chunk)
      }
    }

    private func nextChunk(_ body: inout HTTPClientResponse.Body.AsyncIterator) async throws -> ByteBuffer? {
      do {
        return try await body.next()
      } catch {
        try Task.checkCancellation()
        if error is CancellationError { throw error }
        throw KubeError.transport(
          KubeTransportFailure(error, stage: .readingAnswer, operation: stream.operation, server: stream.server))
      }
    }

    private func nextLine(_ framer: inout LineFramer) throws -> ByteBuffer? {
      do {
        return try framer.nextLine()
      } catch let error as LineFramer.LineTooLong {
        throw failure(.answerTooLarge, "an event of more than \(error.limit) bytes")
      }
    }

    private func decode(_ line: ByteBuffer) throws -> WatchEvent<R> {
      do {
        return try decoder.decode(WatchLine<R>.self, from: line).event
      } catch {
        throw KubeError.decoding(
          KubeDecodingFailure(operation: stream.operation, reason: describeDecodingFailure(error)))
      }
    }

    private func failure(_ code: KubeTransportFailure.Code, _ detail: String) -> KubeError {
      .transport(
        KubeTransportFailure(
          code: code, stage: .readingAnswer, operation: stream.operation, server: stream.server, detail: detail))
    }
  }
}
