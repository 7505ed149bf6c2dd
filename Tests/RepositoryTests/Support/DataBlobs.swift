import Repository

/// How many distinct data blobs the snapshots of a repository consist of.
func dataBlobs(_ repository: Repository) async throws -> Int {
  try await repository.loadIndex()
  var blobs: Set<BlobID> = []
  for snapshot in try await repository.snapshots() {
    try await SnapshotReader(snapshot, in: repository).walk { _, node in
      if case .file(_, let content) = node.kind { blobs.formUnion(content) }
      return .proceed
    }
  }
  return blobs.count
}
