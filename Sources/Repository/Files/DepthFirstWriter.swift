public import NIOCore
import Synchronization

/// Writes a snapshot whose directories are opened and closed one after the other, depth first, while the files in them
/// may end in any order.
///
/// Flow: `open` a directory below another; `expect` each entry before work on it begins and `settle` it when it is
/// known; `close` the directory when no more entries are to come. Whoever settles the last entry of a closed directory
/// writes its tree. `commit` closes the root, makes everything durable, and only then writes the snapshot.
///
/// Memory: the entries of the directories that are not complete, one unfinished piece for each file that is being
/// stored, and the writer's byte budget.
public final class DepthFirstWriter: Sendable {
  /// A directory that takes entries.
  public final class Directory: Sendable {
    fileprivate struct State {
      var nodes: [Node] = []
      /// Entries that are not settled, and one more until it is closed.
      var missing = 1
    }

    fileprivate let place: (parent: Directory, name: ByteString, attributes: NodeAttributes)?
    fileprivate let state = Mutex(State())

    fileprivate init(_ place: (parent: Directory, name: ByteString, attributes: NodeAttributes)? = nil) {
      self.place = place
    }

    /// One more entry is to come, and is told by `settle`.
    public func expect() { state.withLock { $0.missing += 1 } }

    /// Its entries, once all are there; they are taken out.
    fileprivate func settle(_ node: Node?) -> [Node]? {
      state.withLock { state in
        if let node { state.nodes.append(node) }
        state.missing -= 1
        guard state.missing == 0 else { return nil }
        defer { state.nodes = [] }
        return state.nodes
      }
    }
  }

  private let repository: Repository
  private let writer: BlobWriter
  private let tables: RabinTables
  private let parent: Snapshot?
  private let arrange: @Sendable ([Node]) -> [Node]
  private let tree = Mutex<BlobID?>(nil)
  /// The root of the snapshot.
  public let root = Directory()

  /// A writer into `repository`, whose index is loaded by this. `parent` is only noted in the snapshot. `arrange` is
  /// given the entries of each directory, in no order, and may give them other names: no name may come twice.
  public init(
    repository: Repository, parent: Snapshot? = nil, arrange: @escaping @Sendable ([Node]) -> [Node] = { $0 }
  ) async throws {
    self.repository = repository
    self.parent = parent
    self.arrange = arrange
    tables = try RabinTables(repository.chunkerPolynomial)
    writer = try await repository.blobWriter()
  }

  /// What was written so far.
  public var statistics: BlobWriterStatistics { writer.statistics }

  /// Opens the directory `name` in `parent`. One that has no entries when it is closed is left out.
  public func open(_ name: ByteString, _ attributes: NodeAttributes, in parent: Directory) throws -> Directory {
    guard name.isSafeName else {
      throw RepositoryError(.invalidRequest, "'\(name)' is no name of a directory in a snapshot")
    }
    parent.expect()
    return Directory((parent, name, attributes))
  }

  /// No more entries are to come.
  public func close(_ directory: Directory) async throws { try await settle(nil, in: directory) }

  /// An entry that was expected is known, or is left out where `node` is nil.
  public func settle(_ node: Node?, in directory: Directory) async throws {
    var (directory, node) = (directory, node)
    while let nodes = directory.settle(node) {
      if nodes.isEmpty, let place = directory.place {
        (directory, node) = (place.parent, nil)
        continue
      }
      var encoder = TreeEncoder(capacity: nodes.count)
      for node in arrange(nodes).sorted(by: { $0.name < $1.name }) { encoder.append(node) }
      let id = try await writer.save(.tree, encoder.finish()).id
      guard let place = directory.place else { return tree.withLock { $0 = id } }
      node = Node(name: place.name, kind: .directory(subtree: id), attributes: place.attributes)
      directory = place.parent
    }
  }

  /// Stores the bytes of a file; its length, and the blobs that it consists of.
  public func store<Bytes: AsyncSequence>(
    _ bytes: Bytes, cutting: Cutting = .contentDefined
  ) async throws -> (size: Int64, content: [BlobID]) where Bytes.Element == ByteBuffer {
    let file = FileWriter(writer: writer, cutter: try PieceCutter(cutting, tables: tables)) { _, _ in }
    for try await piece in bytes { try await file.write(piece) }
    return try await file.end()
  }

  /// Closes the root, waits until all of it is durable and in the index, and writes the snapshot. `tags` gives further
  /// tags, from what was written in all.
  public func commit(
    _ description: SnapshotDescription, tags: (BlobWriterStatistics) -> [String] = { _ in [] }
  ) async throws -> Snapshot {
    try await close(root)
    guard let tree = tree.withLock({ $0 }) else {
      throw RepositoryError(.invalidRequest, "the snapshot cannot be committed: not all of its entries are settled")
    }
    try await writer.flush()
    var description = description
    description.tags += tags(writer.statistics)
    let snapshot = try await repository.saveSnapshot(description.snapshot(of: tree, parent: parent?.id))
    await writer.close()
    return snapshot
  }

  /// Gives up: what was written stays without a snapshot that needs it. Nothing else may be called afterwards.
  public func cancel() async { await writer.close() }
}
