import NIOCore
import NIOPosix
import Synchronization

/// One backup of a local directory: the walk, and what its tasks share.
final class ArchiveRun: Sendable {
  /// Files are read together up to this many bytes, so that a small file does not cost a change of threads of its own.
  private static let batchBytes: Int64 = 1 << 20
  private static let batchFiles = 64
  /// More problems are counted only.
  private static let rememberedProblems = 1000

  struct Tally {
    var progress = ArchiveProgress()
    var problems: [ArchiveProblem] = []
    var problemCount = 0
    var root: BlobID?
  }

  let repository: Repository
  let writer: BlobWriter
  let tables: RabinTables
  let options: Archiver.Options
  let threads: NIOThreadPool
  let accounts = AccountNames()
  private let tally = Mutex(Tally())

  init(
    repository: Repository, writer: BlobWriter, tables: RabinTables, options: Archiver.Options, threads: NIOThreadPool
  ) {
    self.repository = repository
    self.writer = writer
    self.tables = tables
    self.options = options
    self.threads = threads
  }

  /// A directory that has been listed, and those below it that have not.
  private struct Level {
    let directory: PendingDirectory
    var below: [(slot: Int, name: ByteString, attributes: NodeAttributes, previous: BlobID?)]

    func path(of name: ByteString) -> ByteString { (directory.local?.path ?? "").appending(name) }
  }

  /// Stores the directory at `path`; the root of its tree.
  func archive(_ path: ByteString, parent: Snapshot?) async throws -> BlobID {
    let top = try await threads.runIfActive { try LocalDirectory(path: path) }
    let (place, previous) = try await placement(of: path, in: parent)
    try await withThrowingTaskGroup(of: Void.self) { group in
      var readers = ReaderLimit(most: options.readers)
      var levels = [
        try await list(top, place: place.place, place.description, previous: previous, &group, &readers)
      ]
      while let level = levels.popLast() {
        var level = level
        guard let next = level.below.popLast() else { continue }
        levels.append(level)
        do {
          let local = try await open(next.name, in: level.directory)
          levels.append(
            try await list(
              local, place: (level.directory, next.slot), (next.name, next.attributes), previous: next.previous,
              &group, &readers))
        } catch let error as RepositoryError where error.code == .fileSystem {
          note([ArchiveProblem(path: level.path(of: next.name), kind: .unreadable, message: error.message)])
          try await settle(level.directory, next.slot, nil)
        }
      }
      try await group.waitForAll()
    }
    guard let root = tally.withLock({ $0.root }) else {
      preconditionFailure("every entry was settled, so the root was too")
    }
    return root
  }

  /// What it has come to until now.
  var tallyNow: ArchiveTally {
    tally.withLock {
      ArchiveTally(progress: $0.progress, problems: $0.problems, problemCount: $0.problemCount)
    }
  }

  /// What the report of this run says.
  func report(of snapshot: Snapshot) -> ArchiveReport {
    tally.withLock { tally in
      ArchiveReport(
        snapshot: snapshot, progress: tally.progress, problems: tally.problems, problemCount: tally.problemCount)
    }
  }

  /// Lists `local`, starts reading its files, and says which directories are below it.
  private func list(
    _ local: LocalDirectory, place: (parent: PendingDirectory, slot: Int)?,
    _ description: (name: ByteString, attributes: NodeAttributes)?, previous: BlobID?,
    _ group: inout ThrowingTaskGroup<Void, any Error>, _ readers: inout ReaderLimit
  ) async throws -> Level {
    let previousTree = try await previousTree(previous)
    let listing = try await threads.runIfActive { [accounts, repository, options] in
      try ArchiveListing(
        local, previous: previousTree, names: accounts, options: options,
        isStored: { repository.contains(.data, $0) })
    }
    note(listing.problems)
    let directory = PendingDirectory(
      count: listing.entries.count + 1, place: place, description: description, local: local)
    var level = Level(directory: directory, below: [])
    var batch = ArchiveBatch(directory: directory, local: local)
    for (slot, entry) in listing.entries.enumerated() {
      switch entry {
      case .complete(let node):
        count(unmodified: node)
        try await settle(directory, slot, node)
      case .directory(let name, let attributes, let previous):
        level.below.append((slot, name, attributes, previous))
      case .file(let name, let status, let inParent):
        if status.size > Self.batchBytes {
          let alone = batch.alone(ArchiveBatch.File(slot: slot, name: name, inParent: inParent))
          try await readers.start(in: &group) { [self] in try await storeLarge(alone) }
          continue
        }
        batch.add(slot: slot, name: name, size: status.size, inParent: inParent)
        if batch.bytes >= Self.batchBytes || batch.files.count >= Self.batchFiles {
          let full = batch.take()
          try await readers.start(in: &group) { [self] in try await storeSmall(full) }
        }
      }
    }
    if !batch.files.isEmpty {
      let last = batch.take()
      try await readers.start(in: &group) { [self] in try await storeSmall(last) }
    }
    // One slot more than there are entries: held until here, so that the tree is not written before all of it started.
    try await settle(directory, listing.entries.count, nil)
    level.below.reverse()
    return level
  }

  /// Entry `slot` of `directory` is settled; writes the trees of those directories that are complete by that.
  func settle(_ directory: PendingDirectory, _ slot: Int, _ node: Node?) async throws {
    var (directory, slot, node) = (directory, slot, node)
    while directory.settle(slot, node) {
      let nodes = directory.takeNodes()
      var encoder = TreeEncoder(capacity: nodes.count)
      for node in nodes { encoder.append(node) }
      let tree = try await writer.save(.tree, encoder.finish()).id
      guard let place = directory.place, let description = directory.description else {
        return tally.withLock { $0.root = tree }
      }
      tally.withLock { $0.progress.directories += 1 }
      node = Node(name: description.name, kind: .directory(subtree: tree), attributes: description.attributes)
      (directory, slot) = (place.parent, place.slot)
    }
  }

  private func open(_ name: ByteString, in directory: PendingDirectory) async throws -> LocalDirectory {
    guard let parent = directory.local else { preconditionFailure("only a listed directory has some below it") }
    return try await threads.runIfActive { try LocalDirectory(name, in: parent) }
  }

  private func previousTree(_ id: BlobID?) async throws -> ByteBuffer? {
    guard let id, repository.contains(.tree, id) else { return nil }
    return try await repository.loadBlob(.tree, id)
  }

  func note(_ problems: [ArchiveProblem]) {
    guard !problems.isEmpty else { return }
    tally.withLock { tally in
      tally.problemCount += problems.count
      tally.problems += problems.prefix(max(0, Self.rememberedProblems - tally.problems.count))
    }
  }

  /// Counts a file that was read.
  func count(_ node: Node, inParent: Bool) {
    guard case .file(let size, _) = node.kind else { return }
    let progress = tally.withLock { tally in
      if inParent { tally.progress.filesChanged += 1 } else { tally.progress.filesNew += 1 }
      tally.progress.bytesDone += size
      return tally.progress
    }
    options.progress(progress)
  }

  /// Counts bytes that were read.
  func count(read bytes: Int) {
    let progress = tally.withLock { tally in
      tally.progress.bytesRead += Int64(bytes)
      return tally.progress
    }
    options.progress(progress)
  }

  private func count(unmodified node: Node) {
    tally.withLock { tally in
      if case .file(let size, _) = node.kind {
        tally.progress.filesUnmodified += 1
        tally.progress.bytesDone += size
      } else {
        tally.progress.others += 1
      }
    }
  }
}

/// Starts tasks in a group, so many at once and no more.
struct ReaderLimit {
  let most: Int
  private var running = 0

  init(most: Int) { self.most = most }

  /// Starts `work`, when need be after another has ended.
  mutating func start(
    in group: inout ThrowingTaskGroup<Void, any Error>, _ work: @escaping @Sendable () async throws -> Void
  ) async throws {
    if running == most {
      try await group.next()
      running -= 1
    }
    group.addTask(operation: work)
    running += 1
  }
}
