import NIOCore
import NIOPosix
import Synchronization

/// One restore: the walk through the trees.
final class RestoreRun: Sendable {
  private static let rememberedProblems = 1000

  let repository: Repository
  let target: RestoreTarget
  let options: Restorer.Options
  let threads: NIOThreadPool
  private let tally = Mutex(RestoreReport(progress: RestoreProgress(), problems: [], problemCount: 0))

  init(repository: Repository, target: RestoreTarget, options: Restorer.Options, threads: NIOThreadPool) {
    self.repository = repository
    self.target = target
    self.options = options
    self.threads = threads
  }

  /// What was done until now.
  var report: RestoreReport { tally.withLock { $0 } }

  /// A directory whose entries the walk goes through.
  private struct Level {
    let path: ByteString
    let attributes: NodeAttributes?
    var nodes: ArraySlice<Node>
  }

  /// The first name of an inode with several.
  private struct Inode: Hashable {
    let device: UInt64
    let number: UInt64
  }

  func restore(_ path: ByteString, of reader: SnapshotReader) async throws {
    let cache = TreeCache(repository)
    var levels = [try await top(path, of: reader, cache)]
    var window = RestoreWindow()
    var firstNames: [Inode: ByteString] = [:]
    try await makeEntries(of: levels[0])
    while var level = levels.popLast() {
      guard let node = level.nodes.popFirst() else {
        if let attributes = level.attributes { window.directories.append((level.path, attributes)) }
        continue
      }
      levels.append(level)
      let nodePath = level.path.appending(node.name)
      switch node.kind {
      case .directory(let subtree):
        let nodes = try await cache.nodes(of: subtree, ahead: level.nodes.lazy.compactMap(\.subtree))
        levels.append(Level(path: nodePath, attributes: node.attributes, nodes: nodes[...]))
        try await makeEntries(of: levels[levels.count - 1])
      case .file(let size, let content):
        if node.attributes.links > 1 {
          let inode = Inode(device: node.attributes.deviceID, number: node.attributes.inode)
          if let original = firstNames[inode] {
            window.links.append((nodePath, original))
            continue
          }
          firstNames[inode] = nodePath
        }
        if size == 0, content.isEmpty {
          if node.attributes.links > 1 { window.emptyFiles.append((nodePath, node.attributes)) }
          continue
        }
        try await collect(content, of: node, size, at: nodePath, in: &window)
      default: break
      }
      if window.isFull { try await carryOut(&window) }
    }
    try await carryOut(&window)
    if options.durability == .synced { try await threads.runIfActive { [target] in try target.sync() } }
  }

  private func top(_ path: ByteString, of reader: SnapshotReader, _ cache: TreeCache) async throws -> Level {
    if let tree = try await reader.tree(at: path.components[...]) {
      let attributes = try await reader.node(at: path)?.attributes
      return Level(path: "", attributes: attributes, nodes: try await cache.nodes(of: tree)[...])
    }
    guard let node = try await reader.node(at: path) else { throw SnapshotReader.missing(path) }
    return Level(path: "", attributes: nil, nodes: [node])
  }

  /// Adds a file's blobs to the window, and carries the window out in between when the file is too long for one.
  private func collect(
    _ content: [BlobID], of node: Node, _ size: Int64, at path: ByteString, in window: inout RestoreWindow
  ) async throws {
    let file = RestoreFile(path: path, attributes: node.attributes, size: size, blobs: content.count)
    var offset: Int64 = 0
    for id in content {
      guard let location = repository.location(of: .data, id) else { throw Repository.unknown(.data, id) }
      window.add(id, of: file, at: offset)
      offset += Int64(location.plaintextLength)
      if window.isFull { try await carryOut(&window) }
    }
    guard offset == size else {
      throw RepositoryError(
        .corrupted, "the tree says that '\(path)' has \(size) bytes, but its blobs have \(offset); run a check")
    }
  }

  /// Makes the directories, links and empty files of a directory, and makes way for the other files.
  private func makeEntries(of level: Level) async throws {
    let problems = try await threads.runIfActive { [self] in
      let parent = try target.openDirectory(level.path)
      var problems = [String]()
      for node in level.nodes {
        let path = level.path.appending(node.name)
        switch node.kind {
        case .directory: try target.makeDirectory(node.name, in: parent, path: path)
        case .file(let size, let content):
          // A file with several names is made later, when it is known which of them is the first.
          if size == 0, content.isEmpty, node.attributes.links <= 1 {
            problems += try target.make(node, in: parent, path: path)
          } else {
            try target.removeExisting(node.name, in: parent)
          }
        case .symlink, .fifo, .blockDevice, .characterDevice:
          do {
            problems += try target.make(node, in: parent, path: path)
          } catch {
            problems.append("\(error)")
          }
        case .socket: break
        case .unknown(let type): problems.append("'\(path)': its type '\(type)' is not known here; it was left out")
        }
      }
      return problems
    }
    note(problems)
    tally.withLock { tally in
      for node in level.nodes {
        switch node.kind {
        case .directory: tally.progress.directories += 1
        case .file(let size, _): if size == 0 { tally.progress.files += 1 }
        default: tally.progress.others += 1
        }
      }
    }
  }

  func note(_ problems: [String]) {
    guard !problems.isEmpty else { return }
    tally.withLock { tally in
      tally.problemCount += problems.count
      tally.problems += problems.prefix(max(0, Self.rememberedProblems - tally.problems.count))
    }
  }

  func count(files: Int, bytes: Int64) {
    let progress = tally.withLock { tally in
      tally.progress.files += files
      tally.progress.bytes += bytes
      return tally.progress
    }
    options.progress(progress)
  }
}
