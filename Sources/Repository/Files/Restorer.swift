import Glibc
import NIOPosix

/// Brings a snapshot, or a part of one, into a local directory.
///
/// Expected flow: one walk through the trees makes directories, links and empty files, and collects what the other
/// files consist of; whenever enough is collected, the packs that hold it are read, each stretch once, and their blobs
/// are written to wherever they belong, in any order. A file gets its owner, mode and times when its last blob is
/// written, a directory when all below it is done.
///
/// Guarantees: every blob is verified before it is written. Nothing outside the target is touched, whatever the trees or
/// the target hold: names that would lead out end the restore, and no symbolic link is followed. When it returns, the
/// files are on the disk (`syncfs`), unless that was declined.
///
/// Memory: the plan of up to 131,072 blobs (about 25 MiB), and for each of `connections` tasks a stretch of a pack and
/// the blobs of it that wait to be written (about 6 MiB).
public struct Restorer: Sendable {
  /// What may be in the target before.
  public enum Existing: Sendable, Hashable {
    /// Nothing: a target that is not empty is an error.
    case refuse
    /// Anything: files of the snapshot replace those of the same name, others stay.
    case replace
  }

  /// What becomes of owners.
  public enum Owners: Sendable, Hashable {
    /// The stored numbers when running as root, else whoever restores.
    case storedWhenRoot
    /// Whoever restores.
    case current
  }

  /// When the restore is over.
  public enum Durability: Sendable, Hashable {
    /// When all is on the disk.
    case synced
    /// When all is handed to the system.
    case handedOver
  }

  /// How to do it.
  public struct Options: Sendable {
    /// What may be in the target before.
    public var existing = Existing.refuse
    /// What becomes of owners.
    public var owners = Owners.storedWhenRoot
    /// When the restore is over.
    public var durability = Durability.synced
    /// Stretches of packs that are fetched and written at once.
    public var connections = 4
    /// Called now and then with how far it is; it must return soon.
    public var progress: @Sendable (RestoreProgress) -> Void = { _ in }

    /// The defaults.
    public init() {}
  }

  private let repository: Repository
  private let options: Options

  /// A restorer from `repository`, whose index must have been loaded since the snapshot was written.
  public init(repository: Repository, options: Options = Options()) {
    self.repository = repository
    self.options = options
  }

  /// Restores what is at `path` in `snapshot`: the entries of a directory (by default of the root) into the directory
  /// `target`, which gets that directory's attributes; a single file or link into it under its own name. The target is
  /// made, with mode 0700, when there is none.
  public func restore(
    _ snapshot: Snapshot, path: ByteString = "", to target: ByteString
  ) async throws -> RestoreReport {
    let threads = NIOThreadPool(numberOfThreads: max(1, options.connections))
    threads.start()
    let result: Result<RestoreReport, any Error>
    do {
      let directory = try await threads.runIfActive { [options] in
        try RestoreTarget(path: target, existing: options.existing, owners: options.owners)
      }
      let run = RestoreRun(repository: repository, target: directory, options: options, threads: threads)
      try await run.restore(path, of: SnapshotReader(snapshot, in: repository))
      result = .success(run.report)
    } catch {
      result = .failure(error)
    }
    try? await threads.shutdownGracefully()
    return try result.get()
  }
}

/// How far a restore has come.
public struct RestoreProgress: Sendable, Hashable {
  /// Files that are complete.
  public var files = 0
  /// Bytes of files that were written, holes included.
  public var bytes: Int64 = 0
  /// Directories that were made.
  public var directories = 0
  /// Links, devices and pipes.
  public var others = 0
}

/// What a restore did.
public struct RestoreReport: Sendable, Hashable {
  /// Counts at the end.
  public var progress: RestoreProgress
  /// Attributes that could not be set, and entries that could not be made; the first thousand of them. No content is
  /// ever missing: that is an error.
  public var problems: [String]
  /// How many problems there were in all.
  public var problemCount: Int
}
