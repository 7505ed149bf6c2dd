internal import Glibc
internal import Synchronization

extension DirectoryStore {
  /// Held while an object gets or loses its name, so that no two of this process decide upon one name at once.
  final class Placing: Sendable {
    private let lock = Mutex(())

    func alone<R>(_ body: () throws -> R) rethrows -> R { try lock.withLock { _ in try body() } }
  }

  /// Gives a finished temporary file its name.
  func commit(_ file: TemporaryFile, as key: String, _ condition: PutCondition) throws -> ObjectInfo {
    try file.sync()
    let names = DirectoryKey.path(of: key)
    try placing.alone { try place(file, key, names, condition) }
    try DirectoryFile.syncDirectory(path(names.dropLast()), key: key)
    return try file.info(key: key)
  }

  private func place(_ file: TemporaryFile, _ key: String, _ names: [String], _ condition: PutCondition) throws {
    let plain = path(names[...])
    let beside = plain + DirectoryKey.besideMark
    // A directory may vanish between our making it and our using it, when its last object is deleted.
    for _ in 0..<100 {
      try makeDirectories(names.dropLast(), key)
      if exists(beside) { return try file.take(name: beside, condition) }
      do {
        return try file.take(name: plain, condition)
      } catch let error as SystemError where error.number == ENOENT {
        continue
      } catch let error as SystemError where error.number == EISDIR {
        return try file.take(name: beside, condition)
      }
    }
    throw ObjectStoreError(
      .server, operation: "put", key: key,
      message: "the directory of '\(plain)' vanishes whenever it is made; is something else removing files there?")
  }

  /// Makes the directories `names` below the root. An object that has the name of one moves aside, and is never absent
  /// meanwhile.
  private func makeDirectories(_ names: ArraySlice<String>, _ key: String) throws {
    if isDirectory(path(names)) { return }
    try SystemError.during("put", key, root) { try makeRoot(root) }
    for count in names.indices.map({ $0 + 1 }) {
      let path = path(names.prefix(count))
      if isDirectory(path) { continue }
      try SystemError.during("put", key, path) {
        if exists(path) {
          try check(link(path, path + DirectoryKey.besideMark), allowing: EEXIST)
          try check(unlink(path), allowing: ENOENT)
        }
        try check(mkdir(path, 0o777), allowing: EEXIST)
      }
      try DirectoryFile.syncDirectory(self.path(names.prefix(count - 1)), key: key)
    }
  }

  private func makeRoot(_ path: String) throws {
    if isDirectory(path) || path.isEmpty { return }
    if let slash = path.lastIndex(of: "/") { try makeRoot(String(path[..<slash])) }
    try check(mkdir(path, 0o777), allowing: EEXIST)
  }

  /// Removes the object and the directories that it leaves empty.
  func remove(_ key: String) throws {
    let names = DirectoryKey.path(of: key)
    let plain = path(names[...])
    try placing.alone {
      try SystemError.during("delete", key, plain) {
        try check(unlink(plain + DirectoryKey.besideMark), allowing: ENOENT, ENOTDIR)
        if !isDirectory(plain) { try check(unlink(plain), allowing: ENOENT, ENOTDIR) }
        for count in stride(from: names.count - 1, to: 0, by: -1) {
          let directory = path(names.prefix(count))
          // An object beside the directory keeps its name only while the directory is there.
          if exists(directory + DirectoryKey.besideMark) || rmdir(directory) != 0 { break }
        }
      }
    }
  }

  /// Opens the object for reading, wherever it lies.
  func open(_ key: String, _ operation: String) throws -> DirectoryFile {
    let plain = path(DirectoryKey.path(of: key)[...])
    for candidate in [plain, plain + DirectoryKey.besideMark] {
      if let file = try DirectoryFile(candidate, key: key, operation: operation) { return file }
    }
    throw ObjectStoreError(
      .notFound, operation: operation, key: key, message: "there is no such object below '\(root)'")
  }

  func path(_ names: ArraySlice<String>) -> String {
    names.isEmpty ? root : root + "/" + names.joined(separator: "/")
  }

  private func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  private func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}
