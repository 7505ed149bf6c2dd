/// A reflector's decisions, as a value: what happened goes in, what to do next comes out. No clock, no connection.
///
///     idle ─▶ listing ─last page─▶ watching ─closed─▶ watching again from the last version seen
///                ▲                    │ 410
///                └──── pausing ◀──────┘ any failure: a jittered pause, then the list or the watch again
///
/// The rules are those of client-go's `tools/cache/reflector.go`; where they differ, the case says so.
package struct ReflectorState: Sendable {
  /// What the reflector is at.
  package enum Phase: Equatable, Sendable {
    case idle
    case listing(ListProgress)
    case watching(WatchProgress)
    case pausing(then: Resumption)
  }

  /// How far a list has come.
  package struct ListProgress: Equatable, Sendable {
    package var request: ListRequest
    /// How often in a row the token for the next page had expired.
    package var expiries: Int
  }

  /// How far a watch has come.
  package struct WatchProgress: Equatable, Sendable {
    package var resourceVersion: String
    package var openedAt: MonotonicTime
    package var delivered: Bool
  }

  /// What follows a pause.
  package enum Resumption: Equatable, Sendable {
    case list(ListProgress)
    case watch(from: String)
  }

  /// What happened.
  package enum Event: Sendable {
    case start
    /// A page of the list arrived; `continueToken` is `nil` on the last one.
    case page(resourceVersion: String, continueToken: String?)
    case listFailed(ReflectorFailure)
    /// The watch brought a change or a bookmark.
    case delivered(resourceVersion: String)
    /// The server ended the watch in good order.
    case watchClosed
    case watchFailed(ReflectorFailure)
    case pauseOver
  }

  /// What to do next.
  package enum Action: Equatable, Sendable {
    case list(ListRequest)
    /// The list is complete: what it did not have is gone. Then watch.
    case finishListAndWatch(WatchRequest)
    case watch(WatchRequest)
    case pause(Duration)
    /// Go on reading the watch.
    case goOn
  }

  private(set) package var phase = Phase.idle
  private var backoff: ConnectionBackoff
  private let pageSize: Int
  private let watchTimeout: ClosedRange<Duration>

  package init(configuration: ReflectorConfiguration = ReflectorConfiguration()) {
    backoff = configuration.backoff
    pageSize = configuration.pageSize
    watchTimeout = configuration.watchTimeout
  }

  /// Takes what happened, and says what to do next.
  package mutating func handle(
    _ event: Event, now: MonotonicTime, using random: inout some RandomNumberGenerator
  ) -> Action {
    switch (phase, event) {
    case (.idle, .start):
      return list(ListProgress(request: firstPage, expiries: 0))
    case (.listing(let progress), .page(_, .some(let token))):
      var next = progress
      next.request.continueToken = token
      return list(next)
    case (.listing, .page(let version, nil)):
      return .finishListAndWatch(watch(from: version, now: now, using: &random))
    case (.listing(let progress), .listFailed(let failure)):
      return listFailed(failure, progress, now: now, using: &random)
    case (.watching(let progress), .delivered(let version)):
      return delivered(version, progress, now: now, using: &random)
    case (.watching(let progress), .watchClosed):
      // A watch that ends at once and empty would spin.
      if !progress.delivered, now - progress.openedAt < .seconds(1) {
        return pause(then: .watch(from: progress.resourceVersion), now: now, using: &random)
      }
      return .watch(watch(from: progress.resourceVersion, now: now, using: &random))
    case (.watching(let progress), .watchFailed(let failure)):
      return watchFailed(failure, progress, now: now, using: &random)
    case (.pausing(.list(let progress)), .pauseOver):
      return list(progress)
    case (.pausing(.watch(let version)), .pauseOver):
      return .watch(watch(from: version, now: now, using: &random))
    default:
      // An event that does not belong to the phase: begin anew rather than guess.
      return relist(now: now, using: &random)
    }
  }

  private var firstPage: ListRequest { ListRequest(limit: pageSize, continueToken: nil) }

  private mutating func list(_ progress: ListProgress) -> Action {
    phase = .listing(progress)
    return .list(progress.request)
  }

  private mutating func watch(
    from version: String, now: MonotonicTime, using random: inout some RandomNumberGenerator
  ) -> WatchRequest {
    phase = .watching(WatchProgress(resourceVersion: version, openedAt: now, delivered: false))
    return WatchRequest(resourceVersion: version, timeout: .random(in: watchTimeout, using: &random))
  }

  private mutating func relist(now: MonotonicTime, using random: inout some RandomNumberGenerator) -> Action {
    pause(then: .list(ListProgress(request: firstPage, expiries: 0)), now: now, using: &random)
  }

  private mutating func pause(
    then resumption: Resumption, atLeast least: Duration = .zero, now: MonotonicTime,
    using random: inout some RandomNumberGenerator
  ) -> Action {
    phase = .pausing(then: resumption)
    return .pause(max(least, backoff.next(now: now, using: &random)))
  }

  private mutating func listFailed(
    _ failure: ReflectorFailure, _ progress: ListProgress, now: MonotonicTime,
    using random: inout some RandomNumberGenerator
  ) -> Action {
    switch failure {
    case .expired:
      // The token outlived etcd's history. Once more in pages; if that expires too, the collection is too large for
      // pages at this pace, and one unpaged list is the only one that ends.
      let expiries = progress.expiries + 1
      let request = expiries == 1 ? firstPage : ListRequest(limit: nil, continueToken: nil)
      let next = ListProgress(request: request, expiries: expiries)
      return expiries <= 2 ? list(next) : pause(then: .list(next), now: now, using: &random)
    case .throttled(let wait):
      return pause(then: .list(progress), atLeast: wait ?? .zero, now: now, using: &random)
    case .unreachable:
      return pause(then: .list(progress), now: now, using: &random)
    case .refused:
      return relist(now: now, using: &random)
    }
  }

  private mutating func delivered(
    _ version: String, _ progress: WatchProgress, now: MonotonicTime, using random: inout some RandomNumberGenerator
  ) -> Action {
    // Versions only grow (KEP 5504 lets clients rely on it). One that went back is a server whose storage was
    // restored from a backup: what we hold is of another history.
    if let new = UInt64(version), let old = UInt64(progress.resourceVersion), new < old {
      return relist(now: now, using: &random)
    }
    phase = .watching(WatchProgress(resourceVersion: version, openedAt: progress.openedAt, delivered: true))
    return .goOn
  }

  private mutating func watchFailed(
    _ failure: ReflectorFailure, _ progress: WatchProgress, now: MonotonicTime,
    using random: inout some RandomNumberGenerator
  ) -> Action {
    switch failure {
    case .expired, .refused:
      return relist(now: now, using: &random)
    case .throttled(let wait):
      return pause(
        then: .watch(from: progress.resourceVersion), atLeast: wait ?? .zero, now: now, using: &random)
    case .unreachable:
      // client-go lists again unless the connection was refused; our version is as good as it was, and the server
      // answers 410 where it is not.
      return pause(then: .watch(from: progress.resourceVersion), now: now, using: &random)
    }
  }
}

/// Why a list or a watch ended, as far as it decides what follows.
package enum ReflectorFailure: Equatable, Sendable {
  /// 410: the version or the token is too old.
  case expired
  /// 429, and how long the server wants to be left alone.
  case throttled(retryAfter: Duration?)
  /// No answer, half an answer, or one from a server that is starting or stopping (503).
  case unreachable
  /// Any other answer.
  case refused
}

/// One page of a list; no token: the first, no limit: all at once.
package struct ListRequest: Equatable, Sendable {
  package var limit: Int?
  package var continueToken: String?

  package init(limit: Int?, continueToken: String?) {
    self.limit = limit
    self.continueToken = continueToken
  }
}

/// A watch from a version on, which the server ends after `timeout`.
package struct WatchRequest: Equatable, Sendable {
  package var resourceVersion: String
  package var timeout: Duration

  package init(resourceVersion: String, timeout: Duration) {
    self.resourceVersion = resourceVersion
    self.timeout = timeout
  }
}

/// How a reflector lists and watches. The defaults are client-go's.
public struct ReflectorConfiguration: Sendable {
  /// Objects a page.
  public var pageSize: Int
  /// The server ends each watch after a time drawn from this range, so that many watches don't end together.
  public var watchTimeout: ClosedRange<Duration>
  /// Pauses after failures.
  public var backoff: ConnectionBackoff
  /// How long after the server should have ended the watch we do so ourselves: it must be gone then.
  public var watchGrace: Duration

  /// Pages of 500, watches of 5 to 10 minutes, pauses of 0.8 to 30 s, 30 s of grace.
  public init(
    pageSize: Int = 500, watchTimeout: ClosedRange<Duration> = .seconds(300) ... .seconds(600),
    backoff: ConnectionBackoff = ConnectionBackoff(), watchGrace: Duration = .seconds(30)
  ) {
    self.pageSize = pageSize
    self.watchTimeout = watchTimeout
    self.backoff = backoff
    self.watchGrace = watchGrace
  }
}
