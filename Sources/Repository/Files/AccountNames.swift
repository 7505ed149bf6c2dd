import Glibc
import Synchronization

/// Names of users and groups, each asked of the system once.
final class AccountNames: Sendable {
  private let users = Mutex([UInt32: String]())
  private let groups = Mutex([UInt32: String]())

  /// The name of the user with this number; empty when there is none.
  func user(_ id: UInt32) -> String {
    remembered(id, in: users) { buffer in
      var entry = passwd()
      var found: UnsafeMutablePointer<passwd>?
      guard let room = buffer.baseAddress, getpwuid_r(id, &entry, room, buffer.count, &found) == 0, found != nil else {
        return ""
      }
      return entry.pw_name.map { String(cString: $0) } ?? ""
    }
  }

  /// The name of the group with this number; empty when there is none.
  func group(_ id: UInt32) -> String {
    remembered(id, in: groups) { buffer in
      var entry = Glibc.group()
      var found: UnsafeMutablePointer<Glibc.group>?
      guard let room = buffer.baseAddress, getgrgid_r(id, &entry, room, buffer.count, &found) == 0, found != nil else {
        return ""
      }
      return entry.gr_name.map { String(cString: $0) } ?? ""
    }
  }

  private func remembered(
    _ id: UInt32, in names: borrowing Mutex<[UInt32: String]>, _ ask: (UnsafeMutableBufferPointer<CChar>) -> String
  ) -> String {
    names.withLock { known in
      if let name = known[id] { return name }
      let name = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16 << 10, ask)
      known[id] = name
      return name
    }
  }
}
