import ObjectStore

/// How long to wait before what failed is tried again; nil where trying again cannot help.
struct ReceiverBackoff {
  private static let first = Duration.milliseconds(250)
  private static let limit = Duration.seconds(15)
  /// A standby that was just restarted may be behind what it had before for a while; and a torn stream is read anew.
  private static let doubtfulTries = 8

  private var next = first
  private var doubtful = 0

  /// Begins anew when things went well for a while.
  mutating func reset(after duration: Duration) {
    if duration > .seconds(30) { self = ReceiverBackoff() }
  }

  mutating func delay(after error: any Error) -> Duration? {
    switch error {
    case let error as PostgresError where error.isTransient: break
    case let error as ObjectStoreError where error.isWorthRetrying: break
    case let error as WALError where error.code == .serverBehindArchive || error.code == .archiveIncomplete:
      guard isWorthAnotherTry() else { return nil }
    case is WALFormatError:
      guard isWorthAnotherTry() else { return nil }
    default: return nil
    }
    defer { next = min(next * 2, Self.limit) }
    // Up to a fifth more or less, so that many receivers do not come back in step.
    return next * Double.random(in: 0.8...1.2)
  }

  private mutating func isWorthAnotherTry() -> Bool {
    doubtful += 1
    return doubtful < Self.doubtfulTries
  }
}
