import ObjectStore
import Synchronization

/// Writes a snapshot from what it is given: files whose bytes come from elsewhere, one after the other or several at
/// once, and directories in any order.
///
/// Flow: `directory`, `symlink`, `node`, `hardLink` and `file` describe the tree; each `FileWriter` takes one file's
/// bytes; `commit` writes the trees from the leaves to the root, makes everything durable, and only then writes the
/// snapshot. Without `commit` there is no snapshot; blobs written so far stay, and a later backup finds them.
///
/// Memory: one unfinished piece for each open `FileWriter` (8 MiB at most, mostly less than 2 MiB), the writer's byte
/// budget, and for each file its attributes and 32 bytes a piece.
public final class SnapshotWriter: Sendable {
  private let repository: Repository
  private let writer: BlobWriter
  private let tables: RabinTables
  private let parent: SnapshotID?
  private let root = Mutex(DirectoryDraft())

  /// A writer into `repository`, whose index is loaded by this. `parent` is only noted in the snapshot.
  public init(repository: Repository, parent: Snapshot? = nil) async throws {
    self.repository = repository
    self.parent = parent?.id
    tables = try RabinTables(repository.chunkerPolynomial)
    writer = try await repository.blobWriter()
  }

  /// What was written so far.
  public var statistics: BlobWriterStatistics { writer.statistics }

  /// Puts a directory into the snapshot; the empty path is the root of the snapshot, whose attributes nothing keeps. A
  /// directory that is never put, but has something below it, gets mode 0755 and the snapshot's time.
  public func directory(_ path: ByteString, _ attributes: NodeAttributes) throws {
    guard try !components(of: path).isEmpty else { return }
    try insert(.directory(DirectoryDraft(attributes: attributes)), at: path)
  }

  /// Puts a symbolic link into the snapshot.
  public func symlink(_ path: ByteString, target: ByteString, _ attributes: NodeAttributes) throws {
    try insert(.leaf(.symlink(target: target), attributes), at: path)
  }

  /// Puts a device, a pipe or a socket into the snapshot, or a file whose blobs are in the repository already.
  public func node(_ path: ByteString, _ kind: Node.Kind, _ attributes: NodeAttributes) throws {
    if case .directory = kind {
      throw RepositoryError(.invalidRequest, "'\(path)' is a directory; put it into the snapshot with directory(_:_:)")
    }
    try insert(.leaf(kind, attributes), at: path)
  }

  /// Puts another name of the file at `original` into the snapshot. That file must be finished.
  ///
  /// restic knows two names for one file by inode, device and a link count above one, so `original`'s attributes must
  /// have them.
  public func hardLink(_ path: ByteString, to original: ByteString) throws {
    let source = try components(of: original)
    guard case .leaf(let kind, let attributes) = root.withLock({ $0.entry(at: source[...]) }) else {
      throw RepositoryError(
        .invalidRequest, "'\(path)' cannot be a hard link: there is no finished file at '\(original)' in the snapshot")
    }
    try insert(.leaf(kind, attributes), at: path)
  }

  /// Puts a file into the snapshot, and gives the writer that takes its bytes. Its size is what is written.
  public func file(
    _ path: ByteString, _ attributes: NodeAttributes, cutting: Cutting = .contentDefined
  ) throws -> FileWriter {
    let cutter = try PieceCutter(cutting, tables: tables)
    try insert(.unfinished, at: path)
    return FileWriter(writer: writer, cutter: cutter) { [self] size, content in
      try insert(.leaf(.file(size: size, content: content), attributes), at: path)
    }
  }

  /// Writes the trees, waits until all of it is durable and in the index, and writes the snapshot. `tags` gives further
  /// tags, from what was written in all.
  public func commit(
    _ description: SnapshotDescription, tags: (BlobWriterStatistics) -> [String] = { _ in [] }
  ) async throws -> Snapshot {
    var description = description
    let draft = root.withLock { $0 }
    let tree = try await save(draft, at: "", description.time)
    try await writer.flush()
    description.tags += tags(writer.statistics)
    let snapshot = try await repository.saveSnapshot(description.snapshot(of: tree, parent: parent))
    await writer.close()
    return snapshot
  }

  /// Gives up: what was written stays without a snapshot that needs it. Nothing else may be called afterwards.
  public func cancel() async { await writer.close() }

  private func save(_ directory: DirectoryDraft, at path: ByteString, _ time: UnixTime) async throws -> BlobID {
    var encoder = TreeEncoder(capacity: directory.entries.count)
    for (name, entry) in directory.entries.sorted(by: { $0.key < $1.key }) {
      switch entry {
      case .leaf(let kind, let attributes): encoder.append(Node(name: name, kind: kind, attributes: attributes))
      case .directory(let child):
        let subtree = try await save(child, at: path.appending(name), time)
        let attributes = child.attributes ?? NodeAttributes(mode: 0o755, modified: time)
        encoder.append(Node(name: name, kind: .directory(subtree: subtree), attributes: attributes))
      case .unfinished:
        throw RepositoryError(
          .invalidRequest,
          "the snapshot cannot be committed: the writer of '\(path.appending(name))' was not finished")
      }
    }
    return try await writer.save(.tree, encoder.finish()).id
  }

  private func insert(_ entry: DirectoryDraft.Entry, at path: ByteString) throws {
    let components = try components(of: path)
    guard !components.isEmpty else {
      throw RepositoryError(.invalidRequest, "the empty path is the root of the snapshot, which is a directory")
    }
    try root.withLock { try $0.insert(entry, at: components[...], of: path) }
  }

  private func components(of path: ByteString) throws -> [ByteString] {
    let components = path.components
    guard components.allSatisfy(\.isSafeName) else {
      throw RepositoryError(.invalidRequest, "'\(path)' is no path in a snapshot: '..' and NUL have no place there")
    }
    return components
  }
}
