import NIOCore
public import ObjectStore
public import Repository
import Synchronization

/// Puts the objects of a bucket into a snapshot.
///
/// Expected flow: one listing in the order of the keys, in which a directory's keys follow each other, opens and closes
/// the directories of the snapshot. An object whose entity tag, size and time are those of the parent snapshot is not
/// read; the others are streamed, some at once. The snapshot is written last.
///
/// Guarantees: an object in the snapshot is one that was in the bucket as a whole, with the traits that it had then.
/// Objects that vanish between the listing and their reading are left out and told; those that can't be read are too.
/// A bucket is no moment in time: objects that were written during the listing may or may not be there.
///
/// Not seen, as the listing does not tell: tags that were changed on an object that was not written anew.
///
/// Memory: the entries of the directories from the root to the place of the listing (about half a KiB each), `parallel`
/// unfinished pieces, and the writer's byte budget.
public struct BucketBackup: Sendable {
  /// How to do it.
  public struct Options: Sendable {
    /// What keys begin with that are listed; they stand in the snapshot as a whole.
    public var prefix = ""
    /// Which keys belong to it.
    public var rules = PathRules()
    /// Objects that are read at once.
    public var parallel = 12
    /// How often an object is read that is overwritten while it is read.
    public var readings = 3
    /// Called with how far it is; it must return soon.
    public var progress: @Sendable (FileProgress) -> Void = { _ in }

    /// The defaults.
    public init() {}
  }

  let source: S3Store
  let repository: Repository
  let options: Options

  /// A backup of what is in `source` into `repository`, on which the caller holds a shared lock.
  public init(of source: S3Store, into repository: Repository, options: Options = Options()) {
    (self.source, self.repository, self.options) = (source, repository, options)
  }

  /// What came of it.
  public struct Report: Sendable {
    /// What the snapshot says.
    public var record: FileRecord
    /// The first of what is not in it as it was.
    public var problems: [FileProblem]
    /// How many objects vanished.
    public var vanished: Int
  }

  /// Stores the bucket as a new snapshot for the Backup with this uid. `hostname` says where it came from.
  public func run(backup: String, hostname: String, parent: Snapshot?) async throws -> Report {
    let start = UnixTime.now
    let writer = try await DepthFirstWriter(repository: repository, parent: parent) { Self.apart($0) }
    let walk = BucketWalk(self, writer)
    do {
      try await walk.run(parent: parent)
      let (progress, problems) = walk.outcome
      if progress.files == 0, problems.breaking > 0, let first = problems.kept.first(where: \.breaksConsistency) {
        throw ObjectStoreError(
          .accessDenied, operation: "get", key: first.path,
          message: "none of \(problems.breaking) objects could be read; of the first: \(first.message)")
      }
      var record = FileRecord(
        subject: .bucket, files: progress.files, logicalBytes: progress.bytes, addedBytes: 0, storedBytes: 0,
        changed: problems.breaking, backup: backup)
      let snapshot = try await writer.commit(
        BucketScope(prefix: options.prefix, rules: options.rules).description(time: start, hostname: hostname)
      ) { statistics in
        record.addedBytes = Int64(statistics.bytesAdded)
        record.storedBytes = Int64(statistics.bytesPacked)
        return record.tags
      }
      record.snapshot = snapshot.id
      return Report(record: record, problems: problems.kept, vanished: problems.vanished)
    } catch {
      await writer.cancel()
      throw error
    }
  }

  /// Gives objects that have the name of a directory beside them one of their own.
  @Sendable private static func apart(_ nodes: [Node]) -> [Node] {
    let directories = Set(nodes.filter { $0.subtree != nil }.map(\.name))
    guard !directories.isEmpty else { return nodes }
    return nodes.map { node in
      guard node.subtree == nil, directories.contains(node.name) else { return node }
      var node = node
      node.name = ObjectPath.marked(node.name)
      return node
    }
  }
}

/// One walk through a bucket.
final class BucketWalk: Sendable {
  private struct Level {
    /// What the keys in it begin with.
    let prefix: [UInt8]
    let directory: DepthFirstWriter.Directory
    /// Its entries in the parent snapshot.
    let before: [ByteString: Node]

    /// The object of this name in the parent snapshot, where it may have stood beside a directory.
    func object(_ name: ByteString) -> Node? {
      if let node = before[name], node.subtree == nil { return node }
      return before[ObjectPath.marked(name)]
    }
  }

  private struct Tally {
    var progress = FileProgress()
    var problems = FileProblems()
  }

  private let backup: BucketBackup
  private let writer: DepthFirstWriter
  private let tally = Mutex(Tally())

  init(_ backup: BucketBackup, _ writer: DepthFirstWriter) { (self.backup, self.writer) = (backup, writer) }

  var outcome: (progress: FileProgress, problems: FileProblems) { tally.withLock { ($0.progress, $0.problems) } }

  func run(parent: Snapshot?) async throws {
    let reader = parent.map { SnapshotReader($0, in: backup.repository) }
    let top = try await reader?.entries(of: "") ?? []
    var levels = [Level(prefix: [], directory: writer.root, before: Self.byName(top))]
    try await withThrowingTaskGroup(of: Void.self) { group in
      var running = 0
      var listing = OrderedListing(backup.source.list(prefix: backup.options.prefix))
      while let info = try await listing.next() {
        guard backup.options.rules.admits(info.key) else { continue }
        let path = ObjectPath(key: info.key)
        try await move(to: path, of: Array(info.key.utf8), &levels, reader)
        let level = levels[levels.count - 1]
        level.directory.expect()
        let before = level.object(path.name)
        if let node = unchanged(before, info, path.name) {
          count(info.size)
          try await writer.settle(node, in: level.directory)
          continue
        }
        if running == backup.options.parallel {
          try await group.next()
          running -= 1
        }
        running += 1
        group.addTask { [self] in try await store(info, path.name, in: level.directory) }
      }
      try await group.waitForAll()
    }
    while levels.count > 1, let level = levels.popLast() { try await writer.close(level.directory) }
  }

  /// Closes the directories that the key does not lie in, and opens those that it does.
  private func move(
    to path: ObjectPath, of key: [UInt8], _ levels: inout [Level], _ reader: SnapshotReader?
  ) async throws {
    while let last = levels.last, !key.starts(with: last.prefix) {
      try await writer.close(last.directory)
      levels.removeLast()
    }
    for name in path.directories.dropFirst(levels.count - 1) {
      let level = levels[levels.count - 1]
      let directory = try writer.open(
        name, NodeAttributes(mode: 0o755, modified: UnixTime(seconds: 0)), in: level.directory)
      var before: [Node] = []
      if let tree = level.before[name]?.subtree, let reader { before = try await reader.entries(ofTree: tree) }
      levels.append(
        Level(
          prefix: level.prefix + ObjectPath.part(of: name) + [UInt8(ascii: "/")], directory: directory,
          before: Self.byName(before)))
    }
  }

  private static func byName(_ nodes: [Node]) -> [ByteString: Node] {
    Dictionary(nodes.map { ($0.name, $0) }) { first, _ in first }
  }

  /// The node of an object that is as it was, and all of whose blobs are there.
  private func unchanged(_ before: Node?, _ info: ObjectInfo, _ name: ByteString) -> Node? {
    guard var node = before, case .file(let size, let content) = node.kind, size == info.size,
      let etag = info.plainETag, etag == ObjectAttributes.etag(of: node.attributes),
      node.attributes.modified.seconds == info.lastModified?.seconds,
      content.allSatisfy({ backup.repository.contains(.data, $0) })
    else { return nil }
    node.name = name
    return node
  }

  private func store(_ info: ObjectInfo, _ name: ByteString, in directory: DepthFirstWriter.Directory) async throws {
    let node = try await read(info, name)
    if case .file(let size, _)? = node?.kind { count(size) }
    try await writer.settle(node, in: directory)
  }

  /// Reads an object, again where it is overwritten meanwhile; nil where that was not to be.
  private func read(_ info: ObjectInfo, _ name: ByteString) async throws -> Node? {
    for reading in 1... {
      do {
        let object = try await backup.source.foreignObject(info.key)
        let (size, content) = try await writer.store(object.body)
        let attributes = ObjectAttributes.attributes(of: object.body.info, object.traits)
        return Node(name: name, kind: .file(size: size, content: content), attributes: attributes)
      } catch let error as ObjectStoreError {
        switch error.code {
        case .corrupted where reading < backup.options.readings: continue
        case .notFound: note(FileProblem(path: info.key, kind: .vanished))
        case .corrupted, .accessDenied, .invalidRequest:
          note(FileProblem(path: info.key, kind: .unreadable, message: error.message))
        default: throw error
        }
        return nil
      }
    }
    return nil
  }

  private func note(_ problem: FileProblem) { tally.withLock { $0.problems.note(problem) } }

  private func count(_ bytes: Int64) {
    let progress = tally.withLock { tally in
      tally.progress.files += 1
      tally.progress.bytes += bytes
      return tally.progress
    }
    backup.options.progress(progress)
  }
}
