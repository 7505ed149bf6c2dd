import NIOCore
import NIOPosix

/// Puts a directory of the local file system into a snapshot.
///
/// Expected flow: one walk lists directories and decides what to read; a few tasks read files and hand their pieces to
/// the repository's pipeline; whoever stores the last entry of a directory writes its tree, and so upwards to the root.
/// The snapshot is written last, when all of it is durable.
///
/// With a parent snapshot, a file whose size, inode, and times of modification and change are the parent's is not read,
/// provided that all its blobs are still in the index. That is restic's rule.
///
/// Files may change and vanish meanwhile: that is no error but a problem in the report. Times of access are not kept;
/// sockets are left out. Symbolic links are stored, never followed.
///
/// Memory: the entries of the directories between the root and the place of the walk, the pieces being read
/// (`readers` times 9 MiB at most, mostly less than 2 MiB), and the writer's byte budget.
public struct Archiver: Sendable {
  /// Where the directory's entries lie in the snapshot.
  public enum Placement: Sendable, Hashable {
    /// At its root: restoring the snapshot into a directory gives the entries there.
    case atRoot
    /// At the directory's absolute path, as `restic backup /the/path` does.
    case atItsPath
  }

  /// What has to be equal for a file not to be read, besides its size and its time of modification.
  public enum Comparison: Sendable, Hashable {
    /// Inode and time of change: restic's rule.
    case withChangeTime
    /// Nothing more, for file systems and copies that give new inodes and times of change.
    case withoutChangeTime
  }

  /// How to do it.
  public struct Options: Sendable {
    /// Where the entries lie in the snapshot.
    public var placement: Placement
    /// How the file at this path, relative to the directory, is cut.
    public var cutting: @Sendable (ByteString) -> Cutting
    /// Files, or groups of small files, that are read at once.
    public var readers: Int
    /// Whether the entry at this path, relative to the directory, belongs into the snapshot; `true` for a directory.
    public var admits: @Sendable (ByteString, Bool) -> Bool = { _, _ in true }
    /// How often a file is read that changes while it is read.
    public var readings = 1
    /// How it is told that a file is the parent's.
    public var comparison = Comparison.withChangeTime
    /// Called now and then with how far it is; it must return soon.
    public var progress: @Sendable (ArchiveProgress) -> Void

    /// The defaults: entries at the snapshot's root, content-defined pieces, four readers.
    public init(
      placement: Placement = .atRoot, readers: Int = 4,
      cutting: @escaping @Sendable (ByteString) -> Cutting = { _ in .contentDefined },
      progress: @escaping @Sendable (ArchiveProgress) -> Void = { _ in }
    ) {
      self.placement = placement
      self.readers = max(1, readers)
      self.cutting = cutting
      self.progress = progress
    }
  }

  private let repository: Repository
  private let options: Options

  /// An archiver into `repository`. The caller holds a shared lock on it while archiving.
  public init(repository: Repository, options: Options = Options()) {
    self.repository = repository
    self.options = options
  }

  /// Stores the directory at `path` as a new snapshot. Cancellation and errors leave no snapshot; what was uploaded by
  /// then is found by the next backup where it reached the index.
  public func archive(
    _ path: ByteString, as description: SnapshotDescription, parent: Snapshot? = nil
  ) async throws -> ArchiveReport {
    let stored = try await store(path, parent: parent)
    return try await stored.commit(description, in: repository)
  }

  /// Stores all that is in the directory at `path`, so that `commit` has only the snapshot itself to write.
  public func store(_ path: ByteString, parent: Snapshot? = nil) async throws -> StoredDirectory {
    let writer = try await repository.blobWriter()
    let threads = NIOThreadPool(numberOfThreads: options.readers + 1)
    threads.start()
    let result: Result<StoredDirectory, any Error>
    do {
      let run = ArchiveRun(
        repository: repository, writer: writer, tables: try RabinTables(repository.chunkerPolynomial), options: options,
        threads: threads)
      let tree = try await run.archive(path, parent: parent)
      try await writer.flush()
      result = .success(StoredDirectory(tree: tree, parent: parent?.id, run: run, statistics: writer.statistics))
    } catch {
      result = .failure(error)
    }
    await writer.close()
    try? await threads.shutdownGracefully()
    return try result.get()
  }
}

/// A directory that is stored, durable and indexed, and that no snapshot names yet.
public struct StoredDirectory: Sendable {
  let tree: BlobID
  let parent: SnapshotID?
  let run: ArchiveRun
  /// What was written for it.
  public let statistics: BlobWriterStatistics

  /// Counts, and what is not as it was on disk.
  public var report: ArchiveTally { run.tallyNow }

  /// Writes the snapshot.
  public func commit(_ description: SnapshotDescription, in repository: Repository) async throws -> ArchiveReport {
    let snapshot = try await repository.saveSnapshot(description.snapshot(of: tree, parent: parent))
    return run.report(of: snapshot)
  }
}

/// What the storing of a directory came to.
public struct ArchiveTally: Sendable {
  /// Counts at the end.
  public var progress: ArchiveProgress
  /// What is not stored as it was on disk; the first thousand of them.
  public var problems: [ArchiveProblem]
  /// How many problems there were in all.
  public var problemCount: Int
}
