import Glibc
import NIOCore

/// What stands in one directory, and what has to be done with it.
struct ArchiveListing: Sendable {
  enum Entry: Sendable {
    /// Nothing is to be read: the node is complete, and as it was in the parent snapshot, or no file.
    case complete(Node)
    /// A file that is to be read.
    case file(ByteString, FileStatus, inParent: Bool)
    /// A directory, with its tree in the parent snapshot.
    case directory(ByteString, NodeAttributes, previous: BlobID?)
  }

  var entries: [Entry] = []
  var problems: [ArchiveProblem] = []

  /// Lists `directory` and compares it with `previous`, its tree in the parent snapshot. Blocks; belongs on a thread.
  init(
    _ directory: LocalDirectory, previous: ByteBuffer?, names accounts: AccountNames, options: Archiver.Options,
    isStored: (BlobID) -> Bool
  ) throws {
    let previousNodes = try previous.map(TreeDecoder.decode) ?? []
    var previousIndex = 0
    let names = try directory.names()
    entries.reserveCapacity(names.count)
    for name in names {
      while previousIndex < previousNodes.count, previousNodes[previousIndex].name < name { previousIndex += 1 }
      let before = previousIndex < previousNodes.count ? previousNodes[previousIndex] : nil
      add(name, in: directory, before: before?.name == name ? before : nil, accounts, options, isStored)
    }
  }

  private mutating func add(
    _ name: ByteString, in directory: LocalDirectory, before: Node?, _ accounts: AccountNames,
    _ options: Archiver.Options, _ isStored: (BlobID) -> Bool
  ) {
    let path = directory.path.appending(name)
    do {
      guard let status = try FileStatus.of(name, in: directory.descriptor.number, path: path) else {
        problems.append(ArchiveProblem(path: path, kind: .vanished, message: ""))
        return
      }
      guard options.admits(directory.relativePath.appending(name), status.isDirectory) else { return }
      if status.isRegularFile {
        guard let content = status.content(from: before, options.comparison), content.allSatisfy(isStored) else {
          entries.append(.file(name, status, inParent: before != nil))
          return
        }
        add(name, .file(size: status.size, content: content), status, directory, accounts)
      } else if status.isDirectory {
        var previous: BlobID?
        if case .directory(let subtree) = before?.kind { previous = subtree }
        let extended = ExtendedAttribute.all(of: name, in: directory.descriptor.number)
        entries.append(.directory(name, status.attributes(names: accounts, extended: extended), previous: previous))
      } else if status.type == S_IFSOCK {
        problems.append(ArchiveProblem(path: path, kind: .socket, message: ""))
      } else {
        add(name, try kind(of: name, status, in: directory), status, directory, accounts)
      }
    } catch {
      problems.append(ArchiveProblem(path: path, kind: .unreadable, message: "\(error)"))
    }
  }

  private mutating func add(
    _ name: ByteString, _ kind: Node.Kind, _ status: FileStatus, _ directory: LocalDirectory, _ accounts: AccountNames
  ) {
    let extended = ExtendedAttribute.all(of: name, in: directory.descriptor.number)
    let attributes = status.attributes(names: accounts, extended: extended)
    entries.append(.complete(Node(name: name, kind: kind, attributes: attributes)))
  }

  private func kind(of name: ByteString, _ status: FileStatus, in directory: LocalDirectory) throws -> Node.Kind {
    switch status.type {
    case S_IFLNK: .symlink(target: try directory.linkTarget(of: name))
    case S_IFBLK: .blockDevice(status.device)
    case S_IFCHR: .characterDevice(status.device)
    case S_IFIFO: .fifo
    default: .unknown("irregular")
    }
  }
}

extension FileStatus {
  /// The blobs of `before` where restic's rule says that the file of this status still consists of them.
  fileprivate func content(from before: Node?, _ comparison: Archiver.Comparison) -> [BlobID]? {
    guard let before, case .file(let beforeSize, let content) = before.kind, size == beforeSize,
      modified == before.attributes.modified
    else { return nil }
    switch comparison {
    case .withoutChangeTime: return content
    case .withChangeTime:
      return changed == before.attributes.changed && inode == before.attributes.inode ? content : nil
    }
  }
}
