/// How far a base backup is.
public struct BaseBackupProgress: Sendable, Equatable {
  /// Bytes of files that have arrived.
  public var bytesDone: Int64 = 0
  /// The server's estimate of all bytes, WAL not included; grows with ``bytesDone`` where it was too low.
  public var bytesTotal: Int64 = 0
  /// Files that have arrived.
  public var filesDone = 0

  public init() {}
}

/// Tells the progress at most four times a second, and once more at the end.
struct ProgressReporter {
  private static let interval: Duration = .milliseconds(250)

  var progress = BaseBackupProgress()
  private let tell: @Sendable (BaseBackupProgress) -> Void
  private var next = ContinuousClock.now

  init(_ tell: @escaping @Sendable (BaseBackupProgress) -> Void) { self.tell = tell }

  mutating func add(bytes: Int) {
    progress.bytesDone += Int64(bytes)
    progress.bytesTotal = max(progress.bytesTotal, progress.bytesDone)
    let now = ContinuousClock.now
    guard now >= next else { return }
    next = now + Self.interval
    tell(progress)
  }

  mutating func finish() {
    progress.bytesTotal = progress.bytesDone
    tell(progress)
  }
}
