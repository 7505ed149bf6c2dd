import CPosix
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
      guard getpwuid_r(id, &entry, buffer.baseAddress, buffer.count, &found) == 0, found != nil else { return "" }
      return String(cString: entry.pw_name)
    }
  }

  /// The name of the group with this number; empty when there is none.
  func group(_ id: UInt32) -> String {
    remembered(id, in: groups) { buffer in
      var entry = CPosix.group()
      var found: UnsafeMutablePointer<CPosix.group>?
      guard getgrgid_r(id, &entry, buffer.baseAddress, buffer.count, &found) == 0, found != nil else { return "" }
      return String(cString: entry.gr_name)
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
