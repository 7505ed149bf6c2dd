import NIOCore
import ObjectStore
import PostgresEngine

extension ArchivedDatabase {
  /// Makes the archive's summaries what an earlier Tidemark would have written: nothing about tablespaces.
  func forgetTablespaces() async throws {
    let (catalog, root) = (try await catalog(), try await root)
    let inventory = try await catalog.inventories(of: root)[root] ?? WALInventory()
    let archive = catalog.archive(root, .standard)
    for (timeline, stored) in inventory.timelines {
      for number in stored.runs.flatMap({ $0 }) {
        let name = WALSegmentName(timeline: timeline, number: number, size: .standard)
        guard var commits = try await archive.commits(name), let bytes = try await archive.segment(name) else {
          throw TestFailure("\(name) is not there")
        }
        commits.tablespacesSoFar = nil
        try await store.delete([DatabaseLayout.commits(root, name)])
        try await archive.putSegment(name, bytes, commits: commits)
      }
      for name in Set(stored.partials.map(\.segment)) {
        guard var beginning = try await archive.beginning(of: name) else { throw TestFailure("\(name) is not there") }
        beginning.commits.tablespacesSoFar = nil
        try await store.delete(try await archive.partials(of: name).map { DatabaseLayout.partial(root, $0) })
        let whole = PartialSegmentName(segment: name, from: 0, to: UInt64(beginning.bytes.readableBytes))
        try await archive.putPartial(whole, beginning.bytes, commits: beginning.commits)
      }
    }
  }
}
