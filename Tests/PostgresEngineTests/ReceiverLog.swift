import PostgresEngine
import Synchronization

/// What a receiver reported.
final class ReceiverLog: Sendable {
  private struct State {
    var statuses: [WALReceiverStatus] = []
    var failure: (any Error)?
    var end: (@Sendable () -> Void)?
  }
  private let state = Mutex(State())

  var last: WALReceiverStatus? { state.withLock { $0.statuses.last } }
  var all: [WALReceiverStatus] { state.withLock { $0.statuses } }
  /// What ended the receiver, other than the test itself.
  var failure: (any Error)? { state.withLock { $0.failure } }

  func append(_ status: WALReceiverStatus) { state.withLock { $0.statuses.append(status) } }
  func setEnd(_ end: @escaping @Sendable () -> Void) { state.withLock { $0.end = end } }
  func ended(_ error: any Error) {
    if error is CancellationError { return }
    state.withLock { $0.failure = error }
  }
}
