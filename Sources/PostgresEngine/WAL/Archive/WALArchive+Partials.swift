public import NIOCore
import ObjectStore

extension WALArchive {
  /// The beginning of a segment that is not whole, put together from its partials.
  public struct Beginning: Sendable {
    /// From the segment's first byte on.
    public var bytes: ByteBuffer
    /// What was committed in them.
    public var commits: CommitSummary
    /// The partials that they came from.
    public var parts: [PartialSegmentName]
  }

  /// Stores a part of a segment; `commits` says what was committed from the segment's beginning to the part's end.
  ///
  /// The stored form, before compression: the length of the JSON as four bytes, least significant first; the JSON; the
  /// bytes of the log.
  public func putPartial(_ name: PartialSegmentName, _ bytes: ByteBuffer, commits: CommitSummary) async throws {
    precondition(UInt64(bytes.readableBytes) == name.to - name.from, "a partial holds what its name says")
    let summary = try StoredJSON.encode(commits)
    var payload = ByteBufferAllocator().buffer(capacity: 4 + summary.readableBytes + bytes.readableBytes)
    payload.writeInteger(UInt32(summary.readableBytes), endianness: .little)
    payload.writeImmutableBuffer(summary)
    payload.writeImmutableBuffer(bytes)
    let key = DatabaseLayout.partial(incarnation, name)
    let sealed = try await envelope.seal(payload)
    try await create(key, sealed) { present in
      (try? Self.split(present, name: key).bytes) == bytes
    }
  }

  /// What a partial holds; nil when it is not there.
  func partial(_ name: PartialSegmentName) async throws -> (bytes: ByteBuffer, commits: CommitSummary)? {
    let key = DatabaseLayout.partial(incarnation, name)
    guard let sealed = try await store.getIfPresent(key) else { return nil }
    let parts = try Self.split(try await envelope.open(sealed, name: key), name: key)
    guard UInt64(parts.bytes.readableBytes) == name.to - name.from else {
      throw WALError(.archiveCorrupted, "'\(key)' holds \(parts.bytes.readableBytes) bytes, its name says otherwise")
    }
    return parts
  }

  /// The partials of a segment, as they are listed.
  public func partials(of name: WALSegmentName) async throws -> [PartialSegmentName] {
    var found: [PartialSegmentName] = []
    for try await object in store.list(prefix: DatabaseLayout.segment(incarnation, name) + ".") {
      if let partial = PartialSegmentName(object.key.lastComponent, size: name.size) { found.append(partial) }
    }
    return found
  }

  /// What a segment that is not whole begins with; nil when the archive has no part of it.
  ///
  /// A receiver may merge or remove partials meanwhile; then they are listed again.
  public func beginning(of name: WALSegmentName) async throws -> Beginning? {
    for _ in 0..<5 {
      let chain = PartialSegmentName.chain(of: try await partials(of: name))
      if chain.isEmpty { return nil }
      if let beginning = try await assemble(chain) { return beginning }
    }
    throw WALError(
      .archiveIncomplete, "the partials of \(name) vanish while they are read; the segment may have become whole")
  }

  /// What was committed in the beginning of a segment that is not whole; nil when the archive has no part of it.
  public func commitsOfBeginning(of name: WALSegmentName) async throws -> CommitSummary? {
    for _ in 0..<5 {
      guard let last = PartialSegmentName.chain(of: try await partials(of: name)).last else { return nil }
      if let part = try await partial(last) { return part.commits }
    }
    return nil
  }

  /// Removes partials that something longer has taken the place of.
  func deletePartials(_ names: [PartialSegmentName]) async throws {
    try await store.delete(names.map { DatabaseLayout.partial(incarnation, $0) })
  }

  private func assemble(_ chain: [PartialSegmentName]) async throws -> Beginning? {
    let total = chain.last.map { Int($0.to) } ?? 0
    var bytes = ByteBufferAllocator().buffer(capacity: total)
    var commits = CommitSummary()
    for name in chain {
      guard var part = try await partial(name) else { return nil }
      part.bytes.moveReaderIndex(forwardBy: bytes.writerIndex - Int(name.from))
      bytes.writeImmutableBuffer(part.bytes)
      commits = part.commits
    }
    return Beginning(bytes: bytes, commits: commits, parts: chain)
  }

  private static func split(_ payload: ByteBuffer, name: String) throws -> (bytes: ByteBuffer, commits: CommitSummary) {
    var payload = payload
    guard let length = payload.readInteger(endianness: .little, as: UInt32.self),
      let summary = payload.readSlice(length: Int(length))
    else { throw WALError(.archiveCorrupted, "'\(name)' is too short for a partial") }
    return (payload.slice(), try StoredJSON.decode(CommitSummary.self, summary, name: name))
  }
}

extension String {
  /// What follows the last slash.
  var lastComponent: Substring { self[(lastIndex(of: "/").map { index(after: $0) } ?? startIndex)...] }
}
