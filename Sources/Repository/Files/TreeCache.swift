import NIOCore
import Synchronization

/// Loads trees a few at a time: a directory's subdirectories mostly lie side by side in one pack, and one request for
/// fifty of them takes as long as one for the first.
final class TreeCache: Sendable {
  /// Trees that are loaded together at most, and bytes of them.
  private static let count = 64
  private static let bytes = 4 << 20

  private let repository: Repository
  private let loaded = Mutex([BlobID: ByteBuffer]())

  init(_ repository: Repository) { self.repository = repository }

  /// The nodes of tree `id`, checked to be in order; `ahead` are the trees that will be wanted next, in that order.
  func nodes(of id: BlobID, ahead: some Sequence<BlobID> = []) async throws -> [Node] {
    try TreeDecoder.decode(try await tree(id, ahead: ahead)).checkedOrder(of: id)
  }

  /// The JSON of tree `id`; `ahead` as above.
  func tree(_ id: BlobID, ahead: some Sequence<BlobID> = []) async throws -> ByteBuffer {
    if let tree = loaded.withLock({ $0.removeValue(forKey: id) }) { return tree }
    var wanted = [id]
    var bytes = 0
    for next in ahead where next != id {
      guard wanted.count < Self.count, let location = repository.location(of: .tree, next) else { break }
      bytes += location.plaintextLength
      guard bytes <= Self.bytes else { break }
      wanted.append(next)
    }
    guard wanted.count > 1 else { return try await repository.loadBlob(.tree, id) }
    try await repository.loadBlobs(.tree, wanted) { [self] id, tree in loaded.withLock { $0[id] = tree } }
    if let tree = loaded.withLock({ $0.removeValue(forKey: id) }) { return tree }
    return try await repository.loadBlob(.tree, id)
  }
}

extension [Node] {
  /// The nodes themselves, unless a name comes twice or one could lead out of its directory: such a tree was not
  /// written by a backup, and is not to be believed.
  func checkedOrder(of tree: BlobID) throws -> [Node] {
    for (index, node) in enumerated() {
      guard node.name.isSafeName else {
        throw RepositoryError(
          .corrupted,
          "tree \(tree) holds the name '\(node.name)', which would lead out of its directory; nothing of it "
            + "was used. Find out who wrote it: backups do not")
      }
      guard index == 0 || self[index - 1].name < node.name else {
        throw RepositoryError(
          .corrupted, "tree \(tree) is not sorted, or holds '\(node.name)' twice; nothing of it was used")
      }
    }
    return self
  }
}
