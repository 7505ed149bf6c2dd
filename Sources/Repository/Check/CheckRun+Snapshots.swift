import NIOCore

extension CheckRun {
  /// What a tree refers to.
  struct References: Sendable {
    var trees: [BlobID] = []
    var data: [BlobID] = []
  }

  /// Trees whose references are held at once.
  private static let batch = 512

  /// Every tree that a snapshot reaches is read once; everything it refers to has to be in the index.
  func walkSnapshots() async throws {
    var seen: Set<BlobID> = []
    var frontier: [BlobID] = []
    for id in try await repository.list(.snapshots) {
      let snapshot = try await finding(.snapshotUnreadable, "snapshot \(id.hexadecimal)") {
        try await repository.loadSnapshot(SnapshotID(id))
      }
      guard case .some(.some(let snapshot)) = snapshot else { continue }
      count { $0.snapshots += 1 }
      if seen.insert(snapshot.tree).inserted { frontier.append(snapshot.tree) }
    }
    while !frontier.isEmpty {
      let trees = Array(frontier.suffix(Self.batch))
      frontier.removeLast(trees.count)
      for references in try await read(trees) {
        for tree in references.trees where seen.insert(tree).inserted { frontier.append(tree) }
      }
    }
    count { [trees = seen.count] in $0.trees = trees }
  }

  private func read(_ trees: [BlobID]) async throws -> [References] {
    try await inParallel(trees, limit: repository.options.connections) { id in
      guard let location = self.index.location(.tree, id) else {
        self.error(.blobMissing, "tree \(id) is in no index file, though a snapshot needs it; \(Self.advice)")
        return References()
      }
      let references = try await self.finding(.treeUnreadable, "tree \(id)") {
        let sealed = try await self.repository.packBytes(location.pack, location.range)
        let tree = try sealed.withUnsafeReadableBytes {
          try self.repository.openBlob($0, id: id, location: location)
        }
        return try Self.references(in: tree)
      }
      for data in references?.data ?? [] where self.index.location(.data, data) == nil {
        self.error(.blobMissing, "data blob \(data), which tree \(id) needs, is in no index file; \(Self.advice)")
      }
      return References(trees: references?.trees ?? [])
    }
  }

  private static let advice = "make a new backup of what it belongs to, and forget the snapshots that need it"

  /// The blobs that a tree's JSON names. Source: restic's `doc/design.rst`, "Trees and Data".
  static func references(in tree: ByteBuffer) throws -> References {
    try tree.withUnsafeReadableBytes { bytes in
      var scanner = JSONScanner(bytes, of: "its JSON")
      var references = References()
      guard try scanner.beginObject() else { return references }
      while let key = try scanner.nextKey() {
        guard key.equals("nodes") else {
          try scanner.skipValue()
          continue
        }
        guard try scanner.beginArray() else { continue }
        while try scanner.nextElement() { try addReferences(ofNode: &scanner, to: &references) }
      }
      return references
    }
  }

  private static func addReferences(ofNode scanner: inout JSONScanner, to references: inout References) throws {
    guard try scanner.beginObject() else { return }
    while let key = try scanner.nextKey() {
      if key.equals("subtree") {
        if !scanner.passNull() { references.trees.append(BlobID(try scanner.digest())) }
      } else if key.equals("content") {
        guard try scanner.beginArray() else { continue }
        while try scanner.nextElement() { references.data.append(BlobID(try scanner.digest())) }
      } else {
        try scanner.skipValue()
      }
    }
  }
}
