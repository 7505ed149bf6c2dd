import CPosix
import Glibc

/// One directory of the local file system, open.
struct LocalDirectory: Sendable {
  let descriptor: FileDescriptor
  /// Where it is, for messages.
  let path: ByteString
  /// Where it is below the directory that was opened first.
  let relativePath: ByteString

  /// Opens the directory at `path`; a symbolic link to one is followed, for it was named by whoever asks.
  init(path: ByteString) throws {
    let number = path.withCString { path in uninterrupted { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) } }
    guard number >= 0 else { throw RepositoryError.fileSystem("open directory", path) }
    descriptor = FileDescriptor(number)
    self.path = path
    relativePath = ""
  }

  /// Opens the directory `name` in `parent`, not following links.
  init(_ name: ByteString, in parent: LocalDirectory) throws {
    path = parent.path.appending(name)
    relativePath = parent.relativePath.appending(name)
    let number = name.withCString { name in
      uninterrupted { openat(parent.descriptor.number, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
    }
    guard number >= 0 else { throw RepositoryError.fileSystem("open directory", path) }
    descriptor = FileDescriptor(number)
  }

  /// The names in it, sorted, without `.` and `..`.
  func names() throws -> [ByteString] {
    // The stream closes its descriptor, so it gets one of its own.
    let number = openat(descriptor.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard number >= 0, let stream = fdopendir(number) else {
      let reason = errno
      if number >= 0 { close(number) }
      throw RepositoryError.fileSystem("read directory", path, reason)
    }
    defer { closedir(stream) }
    var names = [ByteString]()
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        guard errno == 0 else { throw RepositoryError.fileSystem("read directory", path) }
        break
      }
      let name = ByteString(nameBytes(of: entry))
      if name != "." && name != ".." { names.append(name) }
    }
    names.sort()
    return names
  }

  private func nameBytes(of entry: UnsafeMutablePointer<dirent>) -> [UInt8] {
    guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else {
      preconditionFailure("d_name is a stored field of dirent")
    }
    let start = UnsafeRawPointer(entry).advanced(by: offset)
    return Array(UnsafeRawBufferPointer(start: start, count: strlen(start.assumingMemoryBound(to: CChar.self))))
  }

  /// What the symbolic link `name` in it says.
  func linkTarget(of name: ByteString) throws -> ByteString {
    var capacity = 256
    while true {
      var bytes = [CChar](repeating: 0, count: capacity)
      let length = name.withCString { readlinkat(descriptor.number, $0, &bytes, bytes.count) }
      guard length >= 0 else { throw RepositoryError.fileSystem("read link", path.appending(name)) }
      if length < capacity { return ByteString(bytes[..<length].map { UInt8(bitPattern: $0) }) }
      capacity *= 2
    }
  }
}

extension ByteString {
  /// The names in the directory at this path, sorted, without `.` and `..`.
  package func namesInDirectory() throws -> [ByteString] { try LocalDirectory(path: self).names() }
}
