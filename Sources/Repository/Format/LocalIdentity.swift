import Glibc

/// Who and where this process is, as restic's keys, locks and snapshots name it.
package struct LocalIdentity: Sendable {
  /// The host's name; in a pod, the pod's.
  package let hostname: String
  /// The user's name, or its number where it has none.
  package let username: String
  package let uid: UInt32
  package let gid: UInt32
  package let pid: Int32

  /// This process.
  package static var current: LocalIdentity {
    LocalIdentity(hostname: name(), username: user(getuid()), uid: getuid(), gid: getgid(), pid: getpid())
  }

  private static func name() -> String {
    var bytes = [CChar](repeating: 0, count: 256)
    guard gethostname(&bytes, bytes.count - 1) == 0 else { return "" }
    return String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static func user(_ uid: uid_t) -> String {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var bytes = [CChar](repeating: 0, count: 16384)
    guard getpwuid_r(uid, &entry, &bytes, bytes.count, &found) == 0, found != nil, let name = entry.pw_name else {
      return String(uid)
    }
    return String(cString: name)
  }
}
