internal import Glibc
internal import NIOCore
internal import Synchronization

/// An object's file, open for reading. What is read stays the same when the object is overwritten or deleted meanwhile.
final class DirectoryFile: Sendable {
  let info: ObjectInfo
  private let descriptor: CInt
  private let path: String
  private let operation: String

  /// Nil when there is no file of that name.
  init?(_ path: String, key: String, operation: String) throws {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 && [ENOENT, ENOTDIR].contains(errno) { return nil }
    let opened: ObjectInfo? = try SystemError.during(operation, key, path) {
      try check(descriptor)
      do {
        return try Self.info(descriptor, key: key)
      } catch let error as SystemError where error.number == EISDIR {
        close(descriptor)
        return nil
      }
    }
    guard let opened else { return nil }
    self.info = opened
    self.descriptor = descriptor
    self.path = path
    self.operation = operation
  }

  deinit { close(descriptor) }

  /// `range`, or all; throws when it reaches beyond the end.
  func checked(_ range: Range<Int64>?) throws -> Range<Int64> {
    let range = range ?? 0..<info.size
    guard range.lowerBound >= 0, range.upperBound <= info.size else {
      throw ObjectStoreError.beyondTheEnd(range, size: info.size, key: info.key)
    }
    return range
  }

  /// Exactly `count` bytes.
  func read(at offset: Int64, count: Int) throws -> ByteBuffer {
    var buffer = ByteBufferAllocator().buffer(capacity: count)
    try SystemError.during(operation, info.key, path) {
      while buffer.readableBytes < count {
        let wanted = count - buffer.readableBytes
        let position = offset + Int64(buffer.readableBytes)
        let got = try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: wanted) { bytes in
          try uninterrupted { pread(descriptor, bytes.baseAddress, wanted, Int(position)) }
        }
        if got == 0 { throw cutShort(at: position) }
      }
    }
    return buffer
  }

  private func cutShort(at position: Int64) -> ObjectStoreError {
    ObjectStoreError(
      .corrupted, operation: operation, key: info.key,
      message: "'\(path)' ends at byte \(position) of \(info.size): something shortened it while it was read")
  }

  static func info(_ descriptor: CInt, key: String) throws -> ObjectInfo {
    var status = stat()
    try check(fstat(descriptor, &status))
    if status.st_mode & S_IFMT == S_IFDIR { throw SystemError(number: EISDIR) }
    return info(status, key: key)
  }

  static func info(_ status: stat, key: String) -> ObjectInfo {
    let modified = UnixTime(seconds: Int64(status.st_mtim.tv_sec), nanoseconds: Int32(status.st_mtim.tv_nsec))
    let etag = [Int64(status.st_ino), modified.seconds, Int64(modified.nanoseconds), Int64(status.st_size)]
      .map { String($0, radix: 16) }.joined(separator: "-")
    return ObjectInfo(key: key, size: Int64(status.st_size), etag: etag, lastModified: modified)
  }

  static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Returns when the names in the directory are on disk. A directory that is gone by then needs no syncing.
  static func syncDirectory(_ path: String, key: String) throws {
    try SystemError.during("put", key, path) {
      let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      if descriptor < 0 && errno == ENOENT { return }
      try check(descriptor)
      defer { close(descriptor) }
      try check(fsync(descriptor), allowing: EINVAL)
    }
  }
}

extension ObjectStoreError {
  static func beyondTheEnd(_ range: Range<Int64>, size: Int64?, key: String) -> ObjectStoreError {
    ObjectStoreError(
      .invalidRequest, operation: "get", key: key,
      message: "bytes \(range.lowerBound)..<\(range.upperBound) were asked for, but the object has "
        + (size.map { "\($0) bytes" } ?? "fewer bytes"))
  }
}

/// How far a reader has come.
final class Position: Sendable {
  private let offset: Mutex<Int64>

  init(_ start: Int64) { offset = Mutex(start) }

  /// Takes the next `count` bytes, or what is left of them before `end`.
  func advance(by count: Int, upTo end: Int64) -> (from: Int64, count: Int) {
    offset.withLock { offset in
      let from = offset
      offset = min(end, offset + Int64(count))
      return (from, Int(offset - from))
    }
  }
}
