import Glibc
import NIOCore
import NIOPosix
public import ObjectStore
public import Repository

/// PostgreSQL's `restore_command`: brings one file of the log, and has the next ones fetched meanwhile.
///
/// Expected flow: PostgreSQL runs `restoreCommand(…)`, whose first half takes the file from the spool with no more than
/// a rename. Only when it is not there, the second half runs `tidemark wal fetch`, which is `fetch(_:to:)`: it waits for
/// a file that is on its way, or fetches it, and starts a process that fills the spool (`WALPrefetch`).
///
/// Exit codes, by PostgreSQL's rules for `restore_command`: 0 stored; 1 not in the archive, which PostgreSQL takes for
/// the end of the log; 255 could not be found out, on which PostgreSQL gives recovery up. A store that is away must
/// never look like the end of the log.
public struct WALFetch: Sendable {
  /// How to fetch: plain JSON, in a file that `tidemark wal fetch` is given. Holds no secret.
  public struct Configuration: Sendable, Codable, Hashable {
    /// The way of the log.
    public var lineage: Lineage
    /// A directory in the data directory's file system; nil: every file is fetched when it is asked for.
    public var spool: String?
    /// Segments that the spool holds at most.
    public var ahead: Int
    /// Segments that are fetched at once.
    public var parallel: Int
    /// What is other in the fetched files than in the archive; nil: nothing.
    public var edits: [WALEdit]?

    /// Fetching what `plan` needs, by default up to 16 segments ahead, 3 at once.
    public init(_ plan: RecoveryPlan, spool: String?, ahead: Int = 16, parallel: Int = 3) {
      self.init(lineage: plan.lineage, spool: spool, ahead: ahead, parallel: parallel)
      edits = plan.edits.isEmpty ? nil : plan.edits
    }

    package init(lineage: Lineage, spool: String?, ahead: Int = 16, parallel: Int = 3) {
      (self.lineage, self.spool, self.ahead, self.parallel) = (lineage, spool, max(1, ahead), max(1, parallel))
    }
  }

  /// What became of a request; the raw value is the exit code.
  public enum Outcome: Int32, Sendable {
    case stored = 0
    case notFound = 1
    case failed = 255
  }

  /// Opens the store, scoped to the database's prefix, and the repository's key. Called when the spool cannot serve:
  /// deriving the key takes a while.
  public typealias Opening = @Sendable () async throws -> (store: any ObjectStore, key: RepositoryKey)

  private let configuration: Configuration
  private let open: Opening
  /// Tells what went wrong; PostgreSQL's log shows what `restore_command` writes to standard error.
  private let complain: @Sendable (String) -> Void

  /// A fetch. `complain` gets messages for standard error.
  public init(
    _ configuration: Configuration, open: @escaping Opening, complain: @escaping @Sendable (String) -> Void
  ) {
    (self.configuration, self.open, self.complain) = (configuration, open, complain)
  }

  /// Brings `file` (`%f`) to `target` (`%p`). `startPrefetch` starts a process, independent of this one, that calls
  /// `WALPrefetch.run` with the file's name.
  public func fetch(
    _ file: String, to target: String, startPrefetch: @Sendable () throws -> Void = {}
  ) async -> Outcome {
    do {
      if let spool = configuration.spool.map(WALSpool.init), try await take(file, from: spool, to: target) {
        return .stored
      }
      guard let bytes = try await fetchWithRetries(file) else { return .notFound }
      try await NIOThreadPool.singleton.runIfActive { try WALFile.replace(target, with: bytes) }
      if let spool = configuration.spool.map(WALSpool.init), isFollowed(file) {
        try spool.prepare()
        if !spool.isBeingFilled() { try startPrefetch() }
      }
      return .stored
    } catch {
      complain("tidemark wal fetch \(file): \(error)")
      return .failed
    }
  }

  /// The `restore_command` for this configuration: a rename where the spool has the file, else `command`, which must
  /// run `tidemark wal fetch` with `%f` and `%p`.
  public static func restoreCommand(spool: String?, command: String) -> String {
    guard let spool else { return command }
    let ready = spool.replacing("%", with: "%%").replacing("'", with: "'\\''") + "/ready"
    return "mv -f '\(ready)'/\"%f\" \"%p\" 2>/dev/null || exec \(command)"
  }

  private func isFollowed(_ file: String) -> Bool {
    WALSegmentName(file, size: configuration.lineage.segmentSize) != nil
  }

  /// Takes it from the spool, waiting while it is on its way there.
  private func take(_ file: String, from spool: WALSpool, to target: String) async throws -> Bool {
    while true {
      if try spool.take(file, to: target) { return true }
      guard spool.isLoading(file), spool.isBeingFilled() else { return try spool.take(file, to: target) }
      try await Task.sleep(for: .milliseconds(2))
    }
  }

  private func fetchWithRetries(_ file: String) async throws -> ByteBuffer? {
    var delay = Duration.milliseconds(500)
    for attempt in 1... {
      do {
        let (store, key) = try await open()
        return try await LineageFiles(configuration, store, key).bytes(file)
      } catch let error as ObjectStoreError where error.isWorthRetrying && attempt < 6 {
        complain("tidemark wal fetch \(file): \(error); trying again in \(delay)")
        try await Task.sleep(for: delay)
        delay = delay * 2
      }
    }
    return nil
  }
}
