import NIOCore
import Synchronization

/// Counts from several tasks.
final class Counter: Sendable {
  private let value = Atomic<Int>(0)

  func next() -> Int { value.add(1, ordering: .relaxed).newValue }
}

extension PruneRun {
  /// Trees whose references are held at once.
  private static let batch = 512

  /// Notes in the index what the snapshots need; how many snapshots there are. Whatever cannot be read ends the prune.
  func findNeeded() async throws -> Int {
    let snapshots = try await repository.snapshots()
    let counter = Counter()
    var frontier: [BlobID] = []
    for snapshot in snapshots { frontier += try index.need(.tree, [snapshot.tree]) }
    while !frontier.isEmpty {
      let trees = Array(frontier.suffix(Self.batch))
      frontier.removeLast(trees.count)
      for below in try await read(trees, counter) { frontier += try index.need(.tree, below) }
    }
    return snapshots.count
  }

  /// Reads trees, neighbours in a pack at once; notes their data, and gives the trees below each.
  private func read(_ trees: [BlobID], _ counter: Counter) async throws -> [[BlobID]] {
    let wanted = trees.compactMap { id in index.location(.tree, id).map { WantedBlob(id: id, location: $0) } }
    let below = Mutex<[[BlobID]]>([])
    try await repository.perform(PackRead.plan(wanted)) { [index] id, tree in
      let references = try CheckRun.references(in: tree)
      _ = try index.need(.data, references.data)
      below.withLock { $0.append(references.trees) }
      tell(.findingUsed, counter.next())
    }
    return below.withLock { $0 }
  }
}
