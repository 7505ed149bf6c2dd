import Glibc

/// A restored data directory: the few things that a restore does to it, with plain system calls.
struct DataDirectory: Sendable {
  let path: String

  func exists(_ name: String) -> Bool { access("\(path)/\(name)", F_OK) == 0 }

  func read(_ name: String) throws -> [UInt8] {
    let file = fopen("\(path)/\(name)", "re")
    guard let file else { throw failure("read", name) }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = fread(&chunk, 1, chunk.count, file)
      if count == 0 { break }
      bytes += chunk[..<count]
    }
    guard ferror(file) == 0 else { throw failure("read", name) }
    return bytes
  }

  /// The text of a file; nil where there is none.
  func text(_ name: String) throws -> String? {
    exists(name) ? String(decoding: try read(name), as: UTF8.self) : nil
  }

  /// Writes a file beside, and puts it in its place.
  func write(_ name: String, _ text: String) throws {
    let temporary = "\(path)/\(name).tidemark"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure("write", name) }
    defer { close(descriptor) }
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 else { throw failure("write", name) }
      rest = rest.dropFirst(count)
    }
    guard fsync(descriptor) == 0, rename(temporary, "\(path)/\(name)") == 0 else { throw failure("write", name) }
    // As the directory's owner, which is whom PostgreSQL will run as.
    var status = stat()
    if stat(path, &status) == 0, geteuid() == 0 { _ = chown("\(path)/\(name)", status.st_uid, status.st_gid) }
  }

  /// Changes one byte of a file that is there.
  func overwrite(_ name: String, at offset: Int, with byte: UInt8) throws {
    let descriptor = open("\(path)/\(name)", O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("write", name) }
    defer { close(descriptor) }
    guard withUnsafeBytes(of: byte, { pwrite(descriptor, $0.baseAddress, 1, offset) }) == 1, fsync(descriptor) == 0
    else { throw failure("write", name) }
  }

  func remove(_ name: String) throws {
    guard unlink("\(path)/\(name)") == 0 || errno == ENOENT else { throw failure("remove", name) }
  }

  /// Makes a directory below, where there is none.
  func makeDirectory(_ name: String) throws {
    guard mkdir("\(path)/\(name)", 0o700) == 0 || errno == EEXIST else { throw failure("create", name) }
    var status = stat()
    if stat(path, &status) == 0, geteuid() == 0 { _ = chown("\(path)/\(name)", status.st_uid, status.st_gid) }
  }

  /// The names in a directory below; none where there is no such directory.
  func entries(_ name: String) -> [String] {
    guard let directory = opendir("\(path)/\(name)") else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Removes everything in a directory below.
  func empty(_ name: String) throws {
    for entry in entries(name) {
      let inner = "\(name)/\(entry)"
      var status = stat()
      guard lstat("\(path)/\(inner)", &status) == 0 else { continue }
      if status.st_mode & S_IFMT == S_IFDIR {
        try empty(inner)
        guard rmdir("\(path)/\(inner)") == 0 else { throw failure("remove", inner) }
      } else {
        try remove(inner)
      }
    }
  }

  private func failure(_ verb: String, _ name: String) -> WALError {
    let reason = String(cString: strerror(errno))
    return WALError(.dataDirectoryInvalid, "cannot \(verb) \(path)/\(name): \(reason)")
  }
}
