import NIOCore
public import ObjectStore
public import Repository
import Synchronization

/// Brings the objects of a snapshot into a bucket: those that are not there as they were.
///
/// Expected flow: the snapshot's objects and the bucket's listing, both in the order of their keys, go side by side. An
/// object of the same size, entity tag and time is left alone; where only the times differ, its traits are looked at;
/// where an entity tag says nothing of the content, since an object was put in parts, its bytes are compared. Others are
/// written, some at once. What the snapshot does not have stays, unless its deletion is asked for: then it goes when
/// all else is there.
///
/// Memory: a page of the listing, the entries of the directories on the way, and what `parallel` uploads hold.
public struct BucketRestore: Sendable {
  /// What becomes of objects that the snapshot does not have.
  public enum Others: Sendable, Hashable {
    /// They stay.
    case keep
    /// They are deleted, after all else is there: those whose whole key begins so and is admitted by these rules, and
    /// that the backup would have if they had been there.
    case delete(below: String, where: PathRules)
  }

  /// How to do it.
  public struct Options: Sendable {
    /// What is put before each key.
    public var prefix = ""
    /// Which keys of the snapshot are restored; of others nothing is written or deleted.
    public var rules = PathRules()
    /// What becomes of objects below the prefix that the snapshot does not have.
    public var others = Others.keep
    /// Objects that are written at once.
    public var parallel = 8
    /// Called with how far it is; it must return soon.
    public var progress: @Sendable (FileProgress) -> Void = { _ in }

    /// The defaults.
    public init() {}
  }

  /// What came of it.
  public struct Report: Sendable, Hashable {
    /// Objects that were written.
    public var written: Int64 = 0
    /// Bytes of them.
    public var writtenBytes: Int64 = 0
    /// Objects that were there as they were.
    public var unchanged: Int64 = 0
    /// Objects that were deleted.
    public var deleted: Int64 = 0
  }

  let repository: Repository
  let target: S3Store
  let options: Options

  /// A restore from `repository`, whose index must have been loaded, into `target`.
  public init(from repository: Repository, to target: S3Store, options: Options = Options()) {
    (self.repository, self.target, self.options) = (repository, target, options)
  }

  /// Restores the objects of `snapshot`. May be run again: what is there is not written again.
  public func run(_ snapshot: Snapshot) async throws -> Report {
    let run = BucketRestoreRun(self)
    try await run.write(snapshot)
    if case .delete(let prefix, let rules) = options.others {
      try await run.deleteOthers(snapshot, below: Array(prefix.utf8), where: rules)
    }
    return run.report
  }
}

/// One restore of a bucket.
final class BucketRestoreRun: Sendable {
  private struct Tally {
    var report = BucketRestore.Report()
    var progress = FileProgress()

    mutating func count(_ bytes: Int64) -> FileProgress {
      progress.files += 1
      progress.bytes += bytes
      return progress
    }
  }

  private let restore: BucketRestore
  private let tally = Mutex(Tally())

  init(_ restore: BucketRestore) { self.restore = restore }

  var report: BucketRestore.Report { tally.withLock { $0.report } }

  private func listing() -> OrderedListing { OrderedListing(restore.target.list(prefix: restore.options.prefix)) }

  private func admits(_ key: [UInt8]) -> Bool {
    restore.options.rules.isEmpty || restore.options.rules.admits(String(decoding: key, as: UTF8.self))
  }

  func write(_ snapshot: Snapshot) async throws {
    var wanted = try await SnapshotKeys(snapshot, in: restore.repository)
    var there = listing()
    var present = try await there.next()
    let prefix = Array(restore.options.prefix.utf8)
    try await withThrowingTaskGroup(of: Void.self) { group in
      var running = 0
      while let (key, node) = try await wanted.next() {
        guard admits(key) else { continue }
        let place = prefix + key
        while let object = present, Array(object.key.utf8).lexicographicallyPrecedes(place) {
          present = try await there.next()
        }
        let found = present.flatMap { Array($0.key.utf8) == place ? $0 : nil }
        if let found, isSurelyAsItWas(found, node) {
          leave(found)
          continue
        }
        if running == restore.options.parallel {
          try await group.next()
          running -= 1
        }
        running += 1
        group.addTask { [self] in try await put(node, at: String(decoding: place, as: UTF8.self), over: found) }
      }
      try await group.waitForAll()
    }
  }

  func deleteOthers(_ snapshot: Snapshot, below bound: [UInt8], where rules: PathRules) async throws {
    let scope = BucketScope(of: snapshot)
    var wanted = try await SnapshotKeys(snapshot, in: restore.repository)
    var there = listing()
    let prefix = Array(restore.options.prefix.utf8)
    var next = try await wanted.next()
    var batch: [String] = []
    while let object = try await there.next() {
      let place = Array(object.key.utf8)
      while let (key, _) = next, (prefix + key).lexicographicallyPrecedes(place) { next = try await wanted.next() }
      if let (key, _) = next, prefix + key == place { continue }
      let key = Array(place.dropFirst(prefix.count))
      guard place.starts(with: bound), rules.admits(object.key), admits(key), scope.admits(key) else { continue }
      batch.append(object.key)
      if batch.count == 1000 { try await delete(&batch) }
    }
    try await delete(&batch)
  }

  private func delete(_ batch: inout [String]) async throws {
    guard !batch.isEmpty else { return }
    try await restore.target.delete(batch)
    tally.withLock { $0.report.deleted += Int64(batch.count) }
    batch = []
  }

  // MARK: One object

  private func isSurelyAsItWas(_ object: ObjectInfo, _ node: Node) -> Bool {
    guard case .file(let size, _) = node.kind else { return false }
    return object.size == size && object.plainETag != nil
      && object.plainETag == ObjectAttributes.etag(of: node.attributes)
      && object.lastModified?.seconds == node.attributes.modified.seconds
  }

  private func put(_ node: Node, at key: String, over object: ObjectInfo?) async throws {
    guard case .file(let size, let content) = node.kind else { return }
    let traits = ObjectAttributes.traits(of: node.attributes)
    if let object, object.size == size, try await isAsItWas(object, node, content, traits) { return leave(object) }
    try await restore.target.putForeign(key, stream: FileContent(of: content, in: restore.repository), traits: traits)
    let progress = tally.withLock { tally in
      tally.report.written += 1
      tally.report.writtenBytes += size
      return tally.count(size)
    }
    restore.options.progress(progress)
  }

  /// Whether an object of the same size has the same content and traits.
  private func isAsItWas(
    _ object: ObjectInfo, _ node: Node, _ content: [BlobID], _ traits: ObjectTraits
  ) async throws -> Bool {
    do {
      let before = ObjectAttributes.etag(of: node.attributes)
      if object.plainETag == before {
        return try await restore.target.foreignTraits(of: object.key).traits.isSame(as: traits)
      }
      guard object.isMultipart || before?.contains("-") != false else { return false }
      let there = try await restore.target.foreignObject(object.key)
      guard there.traits.isSame(as: traits) else { return false }
      return try await Self.isEqual(there.body, FileContent(of: content, in: restore.repository))
    } catch let error as ObjectStoreError where error.code == .notFound || error.code == .corrupted {
      // It was deleted or overwritten meanwhile.
      return false
    }
  }

  private static func isEqual(_ left: ObjectBody, _ right: FileContent) async throws -> Bool {
    var rest = ByteBuffer()
    var stored = right.makeAsyncIterator()
    for try await piece in left {
      var piece = piece
      while piece.readableBytes > 0 {
        if rest.readableBytes == 0 {
          guard let next = try await stored.next() else { return false }
          rest = next
        }
        let length = min(piece.readableBytes, rest.readableBytes)
        guard piece.readSlice(length: length) == rest.readSlice(length: length) else { return false }
      }
    }
    if rest.readableBytes > 0 { return false }
    while let next = try await stored.next() { if next.readableBytes > 0 { return false } }
    return true
  }

  private func leave(_ object: ObjectInfo) {
    let progress = tally.withLock { tally in
      tally.report.unchanged += 1
      return tally.count(object.size)
    }
    restore.options.progress(progress)
  }
}

extension ObjectTraits {
  /// Whether both are the same to a client: a server names a type where none was given.
  fileprivate func isSame(as other: ObjectTraits) -> Bool {
    func known(_ traits: ObjectTraits) -> ObjectTraits {
      var traits = traits
      if traits.headers["content-type"] == "binary/octet-stream" { traits.headers["content-type"] = nil }
      return traits
    }
    return known(self) == known(other)
  }
}
