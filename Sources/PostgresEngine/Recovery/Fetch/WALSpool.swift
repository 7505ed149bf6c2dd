import Glibc
import NIOCore
import NIOPosix

/// A directory of segments that were fetched before PostgreSQL asks for them.
///
/// `ready/<file>` is whole, and is moved away by whoever uses it; `loading/<file>` says that a file is on its way;
/// `incoming/` holds what is being written; `lock` is held by the one process that fills the spool. The directory must
/// lie in the data directory's file system, so that taking a file is a rename.
struct WALSpool: Sendable {
  let path: String

  func prepare() throws {
    for directory in [path, "\(path)/ready", "\(path)/loading", "\(path)/incoming"] {
      guard mkdir(directory, 0o700) == 0 || errno == EEXIST else { throw failure("create", directory) }
    }
  }

  /// Moves a whole file to `target`; false where there is none.
  func take(_ file: String, to target: String) throws -> Bool {
    let source = "\(path)/ready/\(file)"
    if rename(source, target) == 0 { return true }
    if errno == ENOENT { return false }
    guard errno == EXDEV else { throw failure("move", source) }
    return false
  }

  func isReady(_ file: String) -> Bool { access("\(path)/ready/\(file)", F_OK) == 0 }

  func isLoading(_ file: String) -> Bool { access("\(path)/loading/\(file)", F_OK) == 0 }

  func beginLoading(_ file: String) throws {
    let descriptor = open("\(path)/loading/\(file)", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure("create", "\(path)/loading/\(file)") }
    close(descriptor)
  }

  func endLoading(_ file: String) { unlink("\(path)/loading/\(file)") }

  /// Puts a whole file into the spool.
  func add(_ file: String, _ bytes: ByteBuffer) throws {
    let temporary = "\(path)/incoming/\(file)"
    try WALFile.write(bytes, to: temporary)
    guard rename(temporary, "\(path)/ready/\(file)") == 0 else { throw failure("move", temporary) }
  }

  /// The names of the whole files.
  func ready() -> [String] { DataDirectory(path: path).entries("ready") }

  /// Removes everything but the lock.
  func clear() throws {
    for directory in ["ready", "loading", "incoming"] { try DataDirectory(path: path).empty(directory) }
  }

  /// The lock; nil while another process holds it. It is held until the value is released or the process ends.
  func lock() throws -> SpoolLock? {
    let descriptor = open("\(path)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure("open", "\(path)/lock") }
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return SpoolLock(descriptor) }
    close(descriptor)
    return nil
  }

  /// Whether a process fills the spool.
  func isBeingFilled() -> Bool { (try? lock()) == nil }

  private func failure(_ verb: String, _ name: String) -> WALError {
    WALError(.dataDirectoryInvalid, "cannot \(verb) \(name): \(String(cString: strerror(errno)))")
  }
}

/// The right to fill a spool.
final class SpoolLock: Sendable {
  private let descriptor: CInt
  init(_ descriptor: CInt) { self.descriptor = descriptor }
  deinit { close(descriptor) }
}

/// Writing a file of PostgreSQL's.
enum WALFile {
  /// Writes a file. It is not synced: PostgreSQL asks for it again after a crash.
  static func write(_ bytes: ByteBuffer, to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure(path) }
    defer { close(descriptor) }
    try bytes.withUnsafeReadableBytes { raw in
      var rest = raw[...]
      while !rest.isEmpty {
        let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        guard count > 0 || errno == EINTR else { throw failure(path) }
        rest = rest.dropFirst(max(0, count))
      }
    }
  }

  /// Writes a file beside, and puts it in its place: there is never a part of it under its name.
  static func replace(_ path: String, with bytes: ByteBuffer) throws {
    let temporary = path + ".tidemark"
    try write(bytes, to: temporary)
    guard rename(temporary, path) == 0 else { throw failure(path) }
  }

  private static func failure(_ path: String) -> WALError {
    WALError(.dataDirectoryInvalid, "cannot write \(path): \(String(cString: strerror(errno)))")
  }
}
