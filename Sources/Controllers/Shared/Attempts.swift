package import KubeModel

/// How often a step is started before what it serves fails, and how long a failure that may pass is waited out.
package enum Attempts {
  /// Starts in all.
  package static let bound = 3

  /// The pause before the next start, after so many: long enough for a server or a store that restarts, and in all
  /// short enough for a person to wait.
  package static func pause(after attempts: Int) -> Duration { attempts <= 1 ? .seconds(10) : .seconds(120) }

  /// What to do now about a failure that may pass.
  package enum Decision: Equatable, Sendable {
    /// No more attempts.
    case giveUp
    /// The next attempt begins then.
    case wait(until: Timestamp)
    /// The next attempt begins now.
    case start
  }

  /// Decides at `now`, after `attempts` starts, with the next one set for `retryAt`, if it was set already.
  package static func decide(attempts: Int, retryAt: Timestamp?, now: Timestamp) -> Decision {
    guard attempts < bound else { return .giveUp }
    guard let retryAt else {
      return .wait(until: Timestamp(secondsSince1970: now.secondsSince1970 + pause(after: attempts).components.seconds))
    }
    return now < retryAt ? .wait(until: retryAt) : .start
  }
}
