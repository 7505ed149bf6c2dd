import CPosix
import Glibc

/// The directory that a snapshot is restored into. All of it blocks, and belongs on a thread.
struct RestoreTarget: Sendable {
  private let root: FileDescriptor
  private let path: ByteString
  private let existing: Restorer.Existing
  private let setsOwners: Bool

  /// Opens the directory at `path`, after making it where it is missing.
  init(path: ByteString, existing: Restorer.Existing, owners: Restorer.Owners) throws {
    try Self.makeDirectories(path)
    let local = try LocalDirectory(path: path)
    if existing == .refuse, let name = try local.names().first {
      throw RepositoryError(
        .targetNotEmpty, "'\(path)' is not empty (it holds '\(name)'); restore into an empty or a new directory")
    }
    self.path = path
    self.existing = existing
    root = local.descriptor
    setsOwners = owners == .storedWhenRoot && geteuid() == 0
  }

  private static func makeDirectories(_ path: ByteString) throws {
    var part = ByteString(path.bytes.first == UInt8(ascii: "/") ? "/" : "")
    for name in path.components {
      part = part.appending(name)
      guard part.withCString({ mkdir($0, 0o700) }) != 0, errno != EEXIST else { continue }
      throw RepositoryError.fileSystem("make directory", part)
    }
  }

  /// Writes everything to the disk.
  func sync() throws {
    guard cposix_syncfs(root.number) == 0 else { throw RepositoryError.fileSystem("sync", path) }
  }

  /// Opens the directory at `path` below the target.
  func openDirectory(_ directory: ByteString) throws -> FileDescriptor {
    guard !directory.isEmpty else { return root }
    return try open(directory, O_RDONLY | O_DIRECTORY)
  }

  /// Opens the file at `path` for writing, after making it where it is missing.
  func openFile(_ file: ByteString) throws -> FileDescriptor { try open(file, O_WRONLY | O_CREAT) }

  private func open(_ relative: ByteString, _ flags: Int32) throws -> FileDescriptor {
    let number = relative.withCString { name in
      uninterrupted { cposix_open_beneath(root.number, name, flags, 0o600) }
    }
    guard number >= 0 else { throw RepositoryError.fileSystem("open", path.appending(relative)) }
    return FileDescriptor(number)
  }

  /// Makes the directory `name` in `parent`, unless it is there.
  func makeDirectory(_ name: ByteString, in parent: FileDescriptor, path: ByteString) throws {
    if name.withCString({ mkdirat(parent.number, $0, 0o700) }) == 0 { return }
    guard errno == EEXIST else { throw RepositoryError.fileSystem("make directory", path) }
    if try FileStatus.of(name, in: parent.number, path: path)?.isDirectory == true { return }
    try removeExisting(name, in: parent)
    guard name.withCString({ mkdirat(parent.number, $0, 0o700) }) == 0 else {
      throw RepositoryError.fileSystem("make directory", path)
    }
  }

  /// Makes way for `name`: what has the name now, and is no directory, is removed.
  func removeExisting(_ name: ByteString, in parent: FileDescriptor) throws {
    guard existing == .replace else { return }
    _ = name.withCString { unlinkat(parent.number, $0, 0) }
  }

  /// Makes a link, pipe, device or empty file, with its attributes; what of those could not be set.
  func make(_ node: Node, in parent: FileDescriptor, path: ByteString) throws -> [String] {
    try removeExisting(node.name, in: parent)
    let result = node.name.withCString { name in
      switch node.kind {
      case .symlink(let target): target.withCString { symlinkat($0, parent.number, name) }
      case .fifo: mkfifoat(parent.number, name, 0o600)
      case .blockDevice(let device): mknodat(parent.number, name, S_IFBLK | 0o600, dev_t(device))
      case .characterDevice(let device): mknodat(parent.number, name, S_IFCHR | 0o600, dev_t(device))
      case .file: mknodat(parent.number, name, S_IFREG | 0o600, 0)
      case .directory, .socket, .unknown: Int32(0)
      }
    }
    guard result == 0 else { throw RepositoryError.fileSystem("make", path) }
    return setAttributes(of: node, in: parent, path: path)
  }

  /// Makes `path` another name of the file at `original`.
  func link(_ path: ByteString, to original: ByteString) throws {
    let (directory, name) = path.splitLast
    let (originalDirectory, originalName) = original.splitLast
    let parent = try openDirectory(directory)
    let originalParent = try openDirectory(originalDirectory)
    try removeExisting(name, in: parent)
    let result = originalName.withCString { from in
      name.withCString { linkat(originalParent.number, from, parent.number, $0, 0) }
    }
    guard result == 0 else { throw RepositoryError.fileSystem("link", self.path.appending(path)) }
  }

  /// Sets the attributes of the open file or directory `descriptor`; what could not be set.
  func setAttributes(_ attributes: NodeAttributes, of descriptor: FileDescriptor, path: ByteString) -> [String] {
    var problems = AttributeProblems(path: path)
    let number = descriptor.number
    if setsOwners { problems.check("owner", fchown(number, attributes.userID, attributes.groupID)) }
    for attribute in attributes.extendedAttributes {
      problems.check(
        "\(attribute.name)",
        attribute.name.withCString { fsetxattr(number, $0, attribute.value, attribute.value.count, 0) })
    }
    problems.check("mode", fchmod(number, attributes.mode))
    let times = [attributes.accessed.timespec, attributes.modified.timespec]
    problems.check("times", futimens(number, times))
    return problems.sentences
  }

  private func setAttributes(of node: Node, in parent: FileDescriptor, path: ByteString) -> [String] {
    var problems = AttributeProblems(path: path)
    let attributes = node.attributes
    node.name.withCString { name in
      if setsOwners {
        problems.check(
          "owner",
          fchownat(parent.number, name, attributes.userID, attributes.groupID, AT_SYMLINK_NOFOLLOW))
      }
      let path = pathThroughDescriptor(parent.number, node.name)
      for attribute in attributes.extendedAttributes {
        problems.check(
          "\(attribute.name)",
          attribute.name.withCString { lsetxattr(path, $0, attribute.value, attribute.value.count, 0) })
      }
      if case .symlink = node.kind {} else { problems.check("mode", fchmodat(parent.number, name, attributes.mode, 0)) }
      let times = [attributes.accessed.timespec, attributes.modified.timespec]
      problems.check("times", utimensat(parent.number, name, times, AT_SYMLINK_NOFOLLOW))
    }
    return problems.sentences
  }
}

/// Collects what the system refused to set.
private struct AttributeProblems {
  let path: ByteString
  private(set) var sentences: [String] = []

  init(path: ByteString) { self.path = path }

  mutating func check(_ what: String, _ result: Int32) {
    if result != 0 { sentences.append("'\(path)': \(what) not set: \(describe(errorNumber: errno))") }
  }
}

extension ByteString {
  /// What is before the last slash, and what is after it.
  var splitLast: (ByteString, ByteString) {
    guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return ("", self) }
    return (ByteString(Array(bytes[..<slash])), ByteString(Array(bytes[(slash + 1)...])))
  }
}
