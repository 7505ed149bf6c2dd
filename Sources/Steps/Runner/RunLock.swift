import CPosix
import Foundation

/// The lock of a run: held by the process that runs it, for as long as that lives.
///
/// `flock(2)` belongs to the open file description, so a descriptor that a child inherits keeps the lock after the
/// parent closed its own.
struct RunLock {
  let descriptor: Int32

  /// Takes the lock, making its folder and file where they are missing; nil while another process holds it.
  static func acquire(_ path: String) throws -> RunLock? {
    try FileManager.default.createDirectory(
      atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o700])
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw StepError.system("open", path) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let busy = errno == EWOULDBLOCK
      Glibc.close(descriptor)
      guard busy else { throw StepError.system("lock", path) }
      return nil
    }
    return RunLock(descriptor: descriptor)
  }

  /// Whether a process holds the lock. Takes it for a moment to find out.
  static func isHeld(_ path: String) throws -> Bool {
    guard FileManager.default.fileExists(atPath: path) else { return false }
    guard let lock = try acquire(path) else { return true }
    lock.close()
    return false
  }

  /// Gives up this process' hold on the descriptor.
  func close() { _ = Glibc.close(descriptor) }
}
