public import NIOCore

/// Reads a snapshot: its directories, and its files as streams.
public struct SnapshotReader: Sendable {
  /// What a walk does after a node.
  public enum Step: Sendable, Hashable {
    /// Goes on; into the directory, when the node is one.
    case proceed
    /// Goes on, but not into this directory.
    case skip
    /// Ends the walk.
    case stop
  }

  private let repository: Repository
  private let tree: BlobID

  /// A reader of `snapshot`. The repository's index must have been loaded since it was written.
  public init(_ snapshot: Snapshot, in repository: Repository) {
    self.repository = repository
    tree = snapshot.tree
  }

  /// The node at `path`, with or without a slash at its beginning; nil when there is none. The root has no node.
  public func node(at path: ByteString) async throws -> Node? {
    guard let name = path.components.last else { return nil }
    guard let tree = try await tree(at: path.components.dropLast()) else { return nil }
    return try await TreeCache(repository).nodes(of: tree).first { $0.name == name }
  }

  /// The entries of the directory at `path`, sorted by name; nil when there is no directory.
  public func entries(of path: ByteString) async throws -> [Node]? {
    guard let tree = try await tree(at: path.components[...]) else { return nil }
    return try await TreeCache(repository).nodes(of: tree)
  }

  /// The entries of a directory by the tree that its node names, sorted by name.
  public func entries(ofTree subtree: BlobID) async throws -> [Node] {
    try await TreeCache(repository).nodes(of: subtree)
  }

  /// Calls `visit` with the path and the node of every entry below `path`, directories before what is in them, in the
  /// order of names. Throws `pathNotFound` when there is no directory at `path`.
  public func walk(below path: ByteString = "", _ visit: (ByteString, Node) async throws -> Step) async throws {
    guard let start = try await tree(at: path.components[...]) else { throw Self.missing(path) }
    let cache = TreeCache(repository)
    var levels = [(path: path, nodes: try await cache.nodes(of: start)[...])]
    while var level = levels.popLast() {
      guard let node = level.nodes.popFirst() else { continue }
      levels.append(level)
      let nodePath = level.path.appending(node.name)
      switch try await visit(nodePath, node) {
      case .stop: return
      case .skip: continue
      case .proceed:
        guard case .directory(let subtree) = node.kind else { continue }
        let nodes = try await cache.nodes(of: subtree, ahead: level.nodes.lazy.compactMap(\.subtree))
        levels.append((nodePath, nodes[...]))
      }
    }
  }

  /// The content of the file at `path`, piece by piece. Throws `pathNotFound` when there is no file.
  public func file(at path: ByteString) async throws -> FileContent {
    guard let node = try await node(at: path), case .file(_, let content) = node.kind else { throw Self.missing(path) }
    return FileContent(of: content, in: repository)
  }

  /// The tree of the directory at these components.
  func tree(at components: ArraySlice<ByteString>) async throws -> BlobID? {
    var tree = tree
    for name in components {
      guard let node = try await TreeCache(repository).nodes(of: tree).first(where: { $0.name == name }),
        let subtree = node.subtree
      else { return nil }
      tree = subtree
    }
    return tree
  }

  static func missing(_ path: ByteString) -> RepositoryError {
    RepositoryError(
      .pathNotFound, "the snapshot has no '\(path)' of the kind that was asked for; 'restic ls' lists what it has")
  }
}

extension Node {
  /// The tree of a directory; nil for anything else.
  public var subtree: BlobID? {
    if case .directory(let subtree) = kind { subtree } else { nil }
  }
}

/// A file's content as it was stored, each piece verified before it is given out. One piece is in memory at a time.
public struct FileContent: AsyncSequence, Sendable {
  public typealias Element = ByteBuffer

  fileprivate let repository: Repository
  fileprivate let content: [BlobID]

  /// The content that consists of these blobs, in order.
  public init(of content: [BlobID], in repository: Repository) {
    (self.repository, self.content) = (repository, content)
  }

  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(repository: repository, content: content[...]) }

  /// Loads a piece when it is asked for.
  public struct AsyncIterator: AsyncIteratorProtocol {
    fileprivate let repository: Repository
    fileprivate var content: ArraySlice<BlobID>

    public mutating func next() async throws -> ByteBuffer? {
      guard let id = content.popFirst() else { return nil }
      return try await repository.loadBlob(.data, id)
    }
  }
}
