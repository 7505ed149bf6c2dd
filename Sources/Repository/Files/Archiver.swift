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

  /// How to do it.
  public struct Options: Sendable {
    /// Where the entries lie in the snapshot.
    public var placement: Placement
    /// How the file at this path, relative to the directory, is cut.
    public var cutting: @Sendable (ByteString) -> Cutting
    /// Files, or groups of small files, that are read at once.
    public var readers: Int
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
    let writer = try await repository.blobWriter()
    let threads = NIOThreadPool(numberOfThreads: options.readers + 1)
    threads.start()
    let result: Result<ArchiveReport, any Error>
    do {
      let run = ArchiveRun(
        repository: repository, writer: writer, tables: try RabinTables(repository.chunkerPolynomial), options: options,
        threads: threads)
      let tree = try await run.archive(path, parent: parent)
      try await writer.flush()
      let snapshot = try await repository.saveSnapshot(description.snapshot(of: tree, parent: parent?.id))
      result = .success(run.report(of: snapshot))
    } catch {
      result = .failure(error)
    }
    await writer.close()
    try? await threads.shutdownGracefully()
    return try result.get()
  }
}
