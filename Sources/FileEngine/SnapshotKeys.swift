import Repository

/// The objects of a snapshot in the order of their keys' bytes, which is the order in which a bucket lists them.
///
/// At most the entries of the directories from the root to the place that was reached are in memory.
struct SnapshotKeys {
  private struct Entry {
    /// The key, or what the keys in the directory begin with.
    let key: [UInt8]
    let node: Node
  }

  private let reader: SnapshotReader
  /// What is to come, the next one last.
  private var ahead: [Entry] = []

  init(_ snapshot: Snapshot, in repository: Repository) async throws {
    reader = SnapshotReader(snapshot, in: repository)
    push(try await reader.entries(of: "") ?? [], below: [])
  }

  /// The next object.
  mutating func next() async throws -> (key: [UInt8], node: Node)? {
    while let entry = ahead.popLast() {
      guard let tree = entry.node.subtree else {
        guard case .file = entry.node.kind else { continue }
        return (entry.key, entry.node)
      }
      push(try await reader.entries(ofTree: tree), below: entry.key)
    }
    return nil
  }

  private mutating func push(_ nodes: [Node], below prefix: [UInt8]) {
    let entries = nodes.map { node in
      let part = ObjectPath.part(of: node.name)
      return Entry(key: prefix + part + (node.subtree == nil ? [] : [UInt8(ascii: "/")]), node: node)
    }
    ahead += entries.sorted { $1.key.lexicographicallyPrecedes($0.key) }
  }
}
