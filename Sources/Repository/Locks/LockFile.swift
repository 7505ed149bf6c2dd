import Glibc
import ObjectStore

/// What kind of lock.
public enum LockKind: Sendable, Hashable {
  /// Beside any number of other shared ones: backups, restores, checks.
  case shared
  /// Alone: prune.
  case exclusive
}

/// A file in `locks/`.
///
/// Source: restic's `internal/repository/lock_file.go`.
struct LockFile: Codable, Sendable, Hashable {
  static let staleAfter: Duration = .seconds(30 * 60)

  var time: String
  let exclusive: Bool
  let hostname: String
  let username: String
  let pid: Int32
  let uid: UInt32?
  let gid: UInt32?

  /// A lock of this process, as of now.
  init(_ kind: LockKind) {
    let who = LocalIdentity.current
    time = RFC3339.text(.now)
    exclusive = kind == .exclusive
    hostname = who.hostname
    username = who.username
    pid = who.pid
    uid = who.uid == 0 ? nil : who.uid
    gid = who.gid == 0 ? nil : who.gid
  }

  /// Whether its holder must have died: it was not renewed for 30 minutes, or its process is not there on this host.
  func isStale(now: UnixTime, here: LocalIdentity) -> Bool {
    guard let created = RFC3339.time(time) else { return false }
    if now.duration(since: created) > Self.staleAfter { return true }
    guard !hostname.isEmpty, hostname == here.hostname else { return false }
    return kill(pid, 0) != 0 && errno == ESRCH
  }

  func conflicts(with kind: LockKind) -> Bool { exclusive || kind == .exclusive }

  /// Who holds it, for people.
  var holder: String { "\(username)@\(hostname), process \(pid), since \(time)" }
}
