import NIOCore
import NIOPosix
import ObjectStore

/// Fills a spool with the segments that PostgreSQL will ask for next, until none come any more or nobody asks.
///
/// One process a spool: a second one ends at once. It ends by itself half a minute after the last segment was taken,
/// and leaves an empty spool.
public struct WALPrefetch: Sendable {
  private let configuration: WALFetch.Configuration
  private let open: WALFetch.Opening
  private let patience: Duration

  /// A prefetch that gives up when nothing is taken for `patience`.
  public init(
    _ configuration: WALFetch.Configuration, patience: Duration = .seconds(30), open: @escaping WALFetch.Opening
  ) {
    (self.configuration, self.patience, self.open) = (configuration, patience, open)
  }

  /// Fetches what comes after the segment `file`.
  public func run(after file: String) async throws {
    guard let path = configuration.spool, let last = WALSegmentName(file, size: configuration.lineage.segmentSize)
    else { return }
    let spool = WALSpool(path: path)
    try spool.prepare()
    guard let lock = try spool.lock() else { return }
    defer { withExtendedLifetime(lock) {} }
    try spool.clear()
    let (store, key) = try await open()
    try await fill(spool, from: last.number + 1, LineageFiles(configuration, store, key))
    try spool.clear()
  }

  private func fill(_ spool: WALSpool, from first: UInt64, _ files: LineageFiles) async throws {
    try await withThrowingTaskGroup(of: Bool.self) { group in
      var (next, loading, isAtEnd) = (first, 0, false)
      var demand = SpoolDemand(patience: patience)
      while true {
        let ready = spool.ready()
        guard demand.continues(with: ready) else { return group.cancelAll() }
        while !isAtEnd, loading < configuration.parallel, ready.count + loading < configuration.ahead {
          guard let name = files.lineage.segment(next) else { return }
          try spool.beginLoading(name.description)
          group.addTask { try await load(name, into: spool, files) }
          (next, loading) = (next + 1, loading + 1)
        }
        if isAtEnd, loading == 0, ready.isEmpty { return }
        if loading > 0, let wasFound = try await group.next() {
          loading -= 1
          isAtEnd = isAtEnd || !wasFound
          demand.loaded()
        } else {
          try await Task.sleep(for: .milliseconds(10))
        }
      }
    }
  }

  /// False where the archive does not have all of it.
  private func load(_ name: WALSegmentName, into spool: WALSpool, _ files: LineageFiles) async throws -> Bool {
    defer { spool.endLoading(name.description) }
    guard let bytes = try await files.wholeSegment(name) else { return false }
    try await NIOThreadPool.singleton.runIfActive { try spool.add(name.description, bytes) }
    return true
  }
}

/// Whether somebody still takes what the spool holds.
private struct SpoolDemand {
  let patience: Duration
  private var last: [String] = []
  private var since = ContinuousClock.now

  init(patience: Duration) { self.patience = patience }

  /// A segment was added; that is no sign of demand, but nothing could be taken before.
  mutating func loaded() { since = .now }

  mutating func continues(with ready: [String]) -> Bool {
    if ready != last { (last, since) = (ready, .now) }
    return ContinuousClock.now - since < patience
  }
}
