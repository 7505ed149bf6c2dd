/// The numbers of Go's `fs.FileMode`, in which restic writes modes (Go's `io/fs/fs.go`).
enum FileMode {
  static let directory: UInt32 = 1 << 31
  static let symlink: UInt32 = 1 << 27
  static let device: UInt32 = 1 << 26
  static let namedPipe: UInt32 = 1 << 25
  static let socket: UInt32 = 1 << 24
  static let setUserID: UInt32 = 1 << 23
  static let setGroupID: UInt32 = 1 << 22
  static let characterDevice: UInt32 = 1 << 21
  static let sticky: UInt32 = 1 << 20

  /// Go's number for a node of this kind with these POSIX permission bits.
  static func number(for kind: Node.Kind, permissions: UInt32) -> UInt32 {
    var number = permissions & 0o777
    if permissions & 0o4000 != 0 { number |= setUserID }
    if permissions & 0o2000 != 0 { number |= setGroupID }
    if permissions & 0o1000 != 0 { number |= sticky }
    switch kind {
    case .file, .unknown: break
    case .directory: number |= directory
    case .symlink: number |= symlink
    case .blockDevice: number |= device
    case .characterDevice: number |= device | characterDevice
    case .fifo: number |= namedPipe
    case .socket: number |= socket
    }
    return number
  }

  /// The POSIX permission bits in Go's number.
  static func permissions(of number: UInt32) -> UInt32 {
    var permissions = number & 0o777
    if number & setUserID != 0 { permissions |= 0o4000 }
    if number & setGroupID != 0 { permissions |= 0o2000 }
    if number & sticky != 0 { permissions |= 0o1000 }
    return permissions
  }
}
