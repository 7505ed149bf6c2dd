import CLibpq
import NIOPosix
import Synchronization

/// One connection and the thread that owns it: libpq blocks, and is not safe to enter twice.
///
/// Work is handed over as closures, which the thread runs one after the other. Each caller waits for its own closure,
/// so that the queue holds no more than one closure a caller. Cancelling the caller's task interrupts the closure
/// wherever it waits for the server (see ``LibpqSession/wait(for:until:)``).
final class LibpqThread: Sendable {
  private let pool: NIOThreadPool
  private let session: LibpqSession
  let wake: WakePipe

  private init(pool: NIOThreadPool, session: LibpqSession, wake: WakePipe) {
    (self.pool, self.session, self.wake) = (pool, session, wake)
  }

  deinit {
    let session = session
    session.closing.store(true, ordering: .releasing)
    wake.signal()
    pool.submit { _ in session.finish() }
    pool.shutdownGracefully { _ in }
  }

  /// Connects, on a new thread.
  static func connect(
    _ settings: PostgresConnectionSettings, for purpose: PostgresConnectionSettings.Purpose
  ) async throws -> LibpqThread {
    let wake = try WakePipe()
    let pool = NIOThreadPool(numberOfThreads: 1)
    pool.start()
    let thread = LibpqThread(pool: pool, session: LibpqSession(wake: wake), wake: wake)
    try await thread.run { session in try session.connect(settings, for: purpose) }
    return thread
  }

  /// Runs `body` on the connection's thread.
  func run<Value: Sendable>(_ body: @escaping @Sendable (LibpqSession) throws -> Value) async throws -> Value {
    let interruption = Interruption()
    let (session, wake) = (session, wake)
    return try await withTaskCancellationHandler {
      do {
        return try await pool.runIfActive {
          session.interruption = interruption
          defer { session.interruption = nil }
          return try body(session)
        }
      } catch is CancellationError where !Task.isCancelled {
        // The pool's way to say that it was shut down.
        throw LibpqSession.closedError
      }
    } onCancel: {
      interruption.isSet.store(true, ordering: .releasing)
      wake.signal()
    }
  }

  /// Runs `body` on the connection's thread, beside the caller. `body` must end when `channel` is abandoned.
  func start(_ channel: CommandChannel, _ body: @escaping @Sendable (LibpqSession) -> Void) {
    let session = session
    pool.submit { state in
      switch state {
      case .active: body(session)
      case .cancelled: channel.fail(LibpqSession.closedError)
      }
    }
  }

  /// Ends the connection, whatever it is doing, and its thread.
  func close() async {
    session.closing.store(true, ordering: .releasing)
    wake.signal()
    let session = session
    // Not runIfActive: a cancelled task must close its connection too.
    await withCheckedContinuation { finished in
      pool.submit { _ in
        session.finish()
        finished.resume()
      }
    }
    await withCheckedContinuation { finished in pool.shutdownGracefully { _ in finished.resume() } }
  }
}

/// Set when the task that waits for an operation was cancelled.
final class Interruption: Sendable {
  let isSet = Atomic(false)
}
