import KubeModel

/// Decides whether a request that failed is sent again. A value without I/O: its tests are a table.
package struct Repeating: Sendable {
  /// What comes after a failure.
  package enum Verdict: Sendable, Hashable {
    /// The failure is the caller's.
    case giveUp
    /// Once more, after this wait.
    case again(after: Duration)
  }

  /// What doing a request twice would mean.
  package enum Kind: Sendable, Hashable {
    /// A read: again after any break of the connection, and after 429 when the server says how long to wait.
    case read
    /// Doing it twice is as doing it once: again where the connection broke before an answer began.
    case idempotent
    /// Again only where the request cannot have reached the server.
    case onlyIfNotSent
  }

  /// Tries in all, the first included.
  static let connectionTries = 3
  static let throttledTries = 5
  /// A longer wait than this is the caller's to plan.
  static let longestWait = Duration.seconds(30)

  private let kind: Kind
  private var connectionFailures = 0
  private var refusals = 0

  package init(_ kind: Kind) { self.kind = kind }

  /// What to do after `error`; `jitter` lies in 0 ..< 1.
  package mutating func after(_ error: KubeError, jitter: Double) -> Verdict {
    switch error {
    case .transport(let failure):
      connectionFailures += 1
      guard connectionFailures < Self.connectionTries, isSafe(failure) else { return .giveUp }
      return .again(after: .milliseconds(Int(100 * Double(connectionFailures) * (0.5 + jitter))))
    case .status(let status):
      guard kind == .read, status.code == 429 || status.code == 503, let wait = error.retryAfter,
        wait <= Self.longestWait
      else { return .giveUp }
      refusals += 1
      // Everyone who was refused got the same number of seconds: spread them.
      return refusals < Self.throttledTries ? .again(after: wait + .milliseconds(Int(1000 * jitter))) : .giveUp
    default: return .giveUp
    }
  }

  private func isSafe(_ failure: KubeTransportFailure) -> Bool {
    switch (failure.code, failure.stage) {
    case (.connectionRefused, _): true
    case (.connectionClosed, .connecting): true
    case (.connectionClosed, .awaitingAnswer): kind != .onlyIfNotSent
    case (.connectionClosed, .readingAnswer): kind == .read
    default: false
    }
  }
}
