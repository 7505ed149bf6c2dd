import Synchronization

/// A directory of a snapshot, some of whose entries are not stored yet. Whoever stores the last one writes its tree.
final class PendingDirectory: Sendable {
  private struct State {
    var nodes: [Node?]
    var missing: Int
  }

  /// Where to put the node of this directory itself once its tree is written; nil for the root.
  let place: (parent: PendingDirectory, slot: Int)?
  /// Its name and attributes; nil for the root, which no node describes.
  let description: (name: ByteString, attributes: NodeAttributes)?
  /// The directory on disk, from which entries are opened; nil above the directory that is stored.
  let local: LocalDirectory?
  private let state: Mutex<State>

  /// A directory of `count` entries, none of them stored.
  init(
    count: Int, place: (parent: PendingDirectory, slot: Int)?,
    description: (name: ByteString, attributes: NodeAttributes)?,
    local: LocalDirectory?
  ) {
    self.place = place
    self.description = description
    self.local = local
    state = Mutex(State(nodes: Array(repeating: nil, count: count), missing: count))
  }

  /// Entry number `slot` is stored as `node`, or is left out where that is nil. True when it was the last one.
  func settle(_ slot: Int, _ node: Node?) -> Bool {
    state.withLock { state in
      state.nodes[slot] = node
      state.missing -= 1
      return state.missing == 0
    }
  }

  /// The entries, all of them settled; they are taken out.
  func takeNodes() -> [Node] {
    state.withLock { state in
      let nodes = state.nodes
      state.nodes = []
      return nodes.compactMap { $0 }
    }
  }
}
