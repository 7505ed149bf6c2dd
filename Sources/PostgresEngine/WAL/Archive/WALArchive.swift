public import NIOCore
public import ObjectStore
public import Repository

/// The stored write-ahead log of one incarnation.
///
/// Guarantees: when a `put…` returns, what it names is durable. Nothing is overwritten: the same bytes again is
/// success, other bytes throw `WALError.Code.archiveConflict`. A segment's commits are stored before the segment, so
/// that a segment that exists is complete; its partials are removed after. Safe to use from several processes.
public struct WALArchive: Sendable {
  /// The database's prefix.
  let store: any ObjectStore
  let envelope: WALEnvelope
  /// Whose log this is.
  public let incarnation: IncarnationID
  /// The cluster's segment size.
  public let segmentSize: WALSegmentSize

  /// The archive of `incarnation` in `store`, which is scoped to the database's prefix.
  public init(
    store: any ObjectStore, key: RepositoryKey, incarnation: IncarnationID, segmentSize: WALSegmentSize = .standard
  ) {
    self.store = store
    self.envelope = WALEnvelope(key: key)
    self.incarnation = incarnation
    self.segmentSize = segmentSize
  }

  // MARK: Whole segments

  /// Stores a segment and what was committed in it. `bytes` is the whole segment.
  public func putSegment(_ name: WALSegmentName, _ bytes: ByteBuffer, commits: CommitSummary) async throws {
    precondition(UInt64(bytes.readableBytes) == name.size.bytes, "a whole segment has the segment size")
    try await putCommits(name, commits)
    let key = DatabaseLayout.segment(incarnation, name)
    let sealed = try await envelope.seal(bytes)
    try await create(key, sealed) { present in present == bytes }
  }

  /// The bytes of a whole segment; nil when the archive does not have it.
  public func segment(_ name: WALSegmentName) async throws -> ByteBuffer? {
    let key = DatabaseLayout.segment(incarnation, name)
    guard let sealed = try await store.getIfPresent(key) else { return nil }
    let bytes = try await envelope.open(sealed, name: key)
    guard UInt64(bytes.readableBytes) == name.size.bytes else {
      throw WALError(
        .archiveCorrupted, "'\(key)' holds \(bytes.readableBytes) bytes, a segment has \(name.size.bytes)")
    }
    return bytes
  }

  /// What was committed in a whole segment; nil when the archive does not have it.
  public func commits(_ name: WALSegmentName) async throws -> CommitSummary? {
    let key = DatabaseLayout.commits(incarnation, name)
    guard let sealed = try await store.getIfPresent(key) else { return nil }
    return try StoredJSON.decode(CommitSummary.self, try await envelope.open(sealed, name: key), name: key)
  }

  private func putCommits(_ name: WALSegmentName, _ commits: CommitSummary) async throws {
    let key = DatabaseLayout.commits(incarnation, name)
    let sealed = try await envelope.seal(try StoredJSON.encode(commits))
    // Of two receivers at once, one may have seen the commits before the segment's first record and the other not;
    // both summaries are true of the segment itself, and the first stays.
    try await create(key, sealed) { _ in true }
  }

  // MARK: History files

  /// Stores a timeline's history file as the server sent it.
  public func putHistory(_ timeline: TimelineID, _ contents: ByteBuffer) async throws {
    let key = DatabaseLayout.history(incarnation, timeline)
    let sealed = try await envelope.seal(contents)
    try await create(key, sealed) { $0 == contents }
  }

  /// A timeline's history file; nil when the archive does not have it.
  public func historyFile(_ timeline: TimelineID) async throws -> ByteBuffer? {
    let key = DatabaseLayout.history(incarnation, timeline)
    guard let sealed = try await store.getIfPresent(key) else { return nil }
    return try await envelope.open(sealed, name: key)
  }

  /// A timeline's ancestry. Timeline 1 has none; nil when the archive does not have the history of another.
  public func history(_ timeline: TimelineID) async throws -> TimelineHistory? {
    if timeline.number == 1 { return TimelineHistory(timeline: timeline) }
    guard let file = try await historyFile(timeline) else { return nil }
    return try TimelineHistory(timeline: timeline, parsing: String(buffer: file))
  }

  // MARK: Gaps

  /// Records a gap; the same one again is success.
  public func putGap(_ gap: WALGap) async throws {
    // When and where it was first noticed stays.
    let key = DatabaseLayout.gap(incarnation, gap)
    do {
      try await store.put(key, try StoredJSON.encode(gap), condition: .ifAbsent)
    } catch let error as ObjectStoreError where error.code == .alreadyExists {
      return
    }
  }

  /// The recorded gaps in the order of the log.
  public func gaps() async throws -> [WALGap] {
    var gaps: [WALGap] = []
    for try await object in store.list(prefix: DatabaseLayout.gaps(incarnation)) {
      gaps.append(try StoredJSON.decode(WALGap.self, try await store.get(object.key), name: object.key))
    }
    return gaps
  }

  // MARK: Writing once

  /// Creates an object whose sealed form differs each time it is made, so that only its contents can be compared.
  func create(_ key: String, _ sealed: ByteBuffer, isSame: (ByteBuffer) -> Bool) async throws {
    do {
      try await store.put(key, sealed, condition: .ifAbsent)
    } catch let error as ObjectStoreError where error.code == .alreadyExists {
      let present = try await envelope.open(try await store.get(key), name: key)
      guard isSame(present) else {
        throw WALError(
          .archiveConflict,
          "'\(key)' is in the archive with other bytes than the server sent. Two servers write into one incarnation, "
            + "or the server was put back to an earlier state. Nothing was overwritten; give the server an incarnation "
            + "of its own (a new Database), and take a base backup of it")
      }
    }
  }
}

extension ObjectStore {
  /// The object, or nil when there is none.
  func getIfPresent(_ key: String) async throws -> ByteBuffer? {
    do {
      return try await get(key)
    } catch let error as ObjectStoreError where error.code == .notFound {
      return nil
    }
  }
}
