public import ObjectStore

/// All incarnations of a database.
public struct IncarnationTree: Sendable, Hashable {
  /// By name.
  public private(set) var incarnations: [IncarnationID: Incarnation]

  /// A tree of these.
  public init(_ incarnations: some Sequence<Incarnation>) {
    self.incarnations = Dictionary(incarnations.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The incarnation of this name.
  public subscript(_ id: IncarnationID) -> Incarnation? { incarnations[id] }

  /// The incarnation and its ancestors, youngest first. Ends at the original, or where the parent lies in another
  /// database's archive.
  public func ancestry(of id: IncarnationID) -> [Incarnation] {
    var (line, next): ([Incarnation], IncarnationID?) = ([], id)
    while let id = next, let incarnation = incarnations[id], !line.contains(where: { $0.id == id }) {
      line.append(incarnation)
      next = incarnation.parent?.database == nil ? incarnation.parent?.id : nil
    }
    return line
  }

  /// Whose archive has the timeline `timeline`, for one that follows the line of `id`: the youngest whose own first
  /// timeline is not later. Timelines rise along a line, so the answer is unique.
  public func owner(of timeline: TimelineID, inLineOf id: IncarnationID) -> Incarnation? {
    ancestry(of: id).first { $0.timeline <= timeline }
  }

  /// Reads all documents below a database's prefix.
  public static func load(from store: any ObjectStore) async throws -> IncarnationTree {
    var found: [Incarnation] = []
    for prefix in try await store.commonPrefixes(prefix: DatabaseLayout.incarnations, delimiter: "/") {
      let key = prefix + "incarnation.json"
      guard let bytes = try await store.getIfPresent(key) else { continue }
      found.append(try StoredJSON.decode(Incarnation.self, bytes, name: key))
    }
    return IncarnationTree(found)
  }
}

extension Incarnation {
  /// Reads one document; nil when there is none.
  public static func load(_ id: IncarnationID, from store: any ObjectStore) async throws -> Incarnation? {
    let key = DatabaseLayout.incarnationDocument(id)
    guard let bytes = try await store.getIfPresent(key) else { return nil }
    return try StoredJSON.decode(Incarnation.self, bytes, name: key)
  }

  /// Stores the document unless there is one, and returns the one that is there then.
  public func create(in store: any ObjectStore) async throws -> Incarnation {
    let key = DatabaseLayout.incarnationDocument(id)
    do {
      try await store.put(key, try StoredJSON.encode(self), condition: .ifAbsent)
      return self
    } catch let error as ObjectStoreError where error.code == .alreadyExists {
      return try StoredJSON.decode(Incarnation.self, try await store.get(key), name: key)
    }
  }
}
