internal import Glibc
internal import NIOCore
internal import Synchronization

/// An object that is being written, and has no name yet. Vanishes with the last reference unless it got one.
final class TemporaryFile: Sendable {
  private let descriptor: CInt
  private let path: String
  private let key: String
  private static let counter = Atomic<UInt64>(0)

  init(root: String, key: String) throws {
    let directory = root + "/" + DirectoryKey.temporaryDirectory
    let number = Self.counter.add(1, ordering: .relaxed).newValue
    path = directory + "/\(getpid())-\(UnixTime.now.nanoseconds)-\(number)"
    self.key = key
    descriptor = try SystemError.during("put", key, path) { [path] in
      if let file = try? Self.create(path) { return file }
      try Self.makeDirectory(directory)
      return try Self.create(path)
    }
  }

  deinit {
    close(descriptor)
    unlink(path)
  }

  private static func create(_ path: String) throws -> CInt {
    try check(Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666))
  }

  private static func makeDirectory(_ path: String) throws {
    if mkdir(path, 0o777) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
      throw SystemError(number: errno)
    }
    try makeDirectory(String(path[..<slash]))
    try check(mkdir(path, 0o777), allowing: EEXIST)
  }

  /// Removes what crashed processes left: files that nobody wrote to for `age`, a day by default. Gives how many.
  @discardableResult
  static func removeStale(root: String, olderThan age: Duration = .seconds(86_400)) -> Int {
    let directory = root + "/" + DirectoryKey.temporaryDirectory
    guard let stream = opendir(directory) else { return 0 }
    defer { closedir(stream) }
    var removed = 0
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      var status = stat()
      guard lstat("\(directory)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG,
        Int64(status.st_mtim.tv_sec) <= UnixTime.now.seconds - age.components.seconds
      else { continue }
      if unlink("\(directory)/\(name)") == 0 { removed += 1 }
    }
    return removed
  }

  func append(_ piece: ByteBuffer) throws {
    try SystemError.during("put", key, path) {
      try piece.withUnsafeReadableBytes { bytes in
        var rest = bytes[...]
        while !rest.isEmpty {
          let bytes = UnsafeRawBufferPointer(rebasing: rest)
          rest = rest.dropFirst(try uninterrupted { write(descriptor, bytes.baseAddress, bytes.count) })
        }
      }
    }
  }

  /// Returns when the bytes are on disk.
  func sync() throws {
    try SystemError.during("put", key, path) { _ = try check(fsync(descriptor)) }
  }

  /// Takes its final name, at once and whole. Throws `SystemError` ENOENT (no directory) and EISDIR (the name is a
  /// directory's), `.alreadyExists` when `condition` forbids what is there, and all else in plain words.
  func take(name: String, _ condition: PutCondition) throws {
    let result =
      switch condition {
      case .ifAbsent: link(path, name)
      case .always: rename(path, name)
      }
    if result == 0 { return }
    let error = SystemError(number: errno)
    switch error.number {
    case ENOENT, EISDIR: throw error
    case ENOTEMPTY: throw SystemError(number: EISDIR)
    case EEXIST where DirectoryFile.isDirectory(name): throw SystemError(number: EISDIR)
    case EEXIST:
      throw ObjectStoreError(
        .alreadyExists, operation: "put", key: key, message: "an object is there, and this put was to create it")
    default: throw error.described("put", key, name)
    }
  }

  func info(key: String) throws -> ObjectInfo {
    try SystemError.during("put", key, path) { try DirectoryFile.info(descriptor, key: key) }
  }
}
