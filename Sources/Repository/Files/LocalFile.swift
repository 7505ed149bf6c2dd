import CPosix
import Glibc
import NIOCore

/// A file of the local file system, open for reading. All of it blocks, and belongs on a thread.
struct LocalFile: Sendable {
  /// Bytes that are read at a time.
  static let portion = 512 << 10

  let descriptor: FileDescriptor
  let path: ByteString
  /// What it was when it was opened. No more than `opened.size` bytes are read, so that a growing file has an end.
  let opened: FileStatus

  /// Opens `name` in `directory`; nil when there is none any more. Links are not followed, and nothing else than a
  /// regular file is opened: a pipe that took its place would never answer.
  init?(_ name: ByteString, in directory: LocalDirectory) throws {
    path = directory.path.appending(name)
    let number = name.withCString { name in
      uninterrupted {
        openat(directory.descriptor.number, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
      }
    }
    guard number >= 0 else {
      if errno == ENOENT { return nil }
      throw RepositoryError.fileSystem("open", path)
    }
    descriptor = FileDescriptor(number)
    opened = try FileStatus.of(number, path: path)
    guard opened.isRegularFile else {
      throw RepositoryError(.fileSystem, "'\(path)' was a file, and is something else now")
    }
  }

  /// The node's attributes, as of its opening.
  func attributes(names: AccountNames) -> NodeAttributes {
    opened.attributes(names: names, extended: ExtendedAttribute.all(of: descriptor.number))
  }

  /// Reads up to `count` bytes from `offset` on into `buffer`; how many there were, fewer only at the end of the file.
  func read(_ count: Int, at offset: Int64, into buffer: inout ByteBuffer) throws -> Int {
    let wanted = Int(min(Int64(count), max(0, opened.size - offset)))
    guard wanted > 0 else { return 0 }
    var failure: Int32 = 0
    let length = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: wanted) { room in
      var length = 0
      while length < wanted {
        let result = uninterrupted {
          pread(descriptor.number, room.baseAddress?.advanced(by: length), wanted - length, Int(offset) + length)
        }
        if result < 0 { failure = errno }
        if result <= 0 { break }
        length += result
      }
      return length
    }
    guard failure == 0 else { throw RepositoryError.fileSystem("read", path, failure) }
    return length
  }

  /// Has it changed since it was opened?
  func hasChanged() throws -> Bool {
    try !FileStatus.of(descriptor.number, path: path).isUntouched(since: opened)
  }
}
