import CPosix
import Glibc
import ObjectStore

/// What the file system says about one entry, in the terms of a node.
struct FileStatus: Sendable {
  let type: UInt32
  let mode: UInt32
  let size: Int64
  let modified: UnixTime
  let changed: UnixTime
  let userID: UInt32
  let groupID: UInt32
  let inode: UInt64
  let deviceID: UInt64
  let links: UInt64
  let device: UInt64

  init(_ status: stat) {
    type = status.st_mode & S_IFMT
    mode = status.st_mode & 0o7777
    size = Int64(status.st_size)
    modified = UnixTime(status.st_mtim)
    changed = UnixTime(status.st_ctim)
    userID = status.st_uid
    groupID = status.st_gid
    inode = UInt64(status.st_ino)
    deviceID = UInt64(status.st_dev)
    links = UInt64(status.st_nlink)
    device = UInt64(status.st_rdev)
  }

  /// The status of the open file `descriptor`.
  static func of(_ descriptor: Int32, path: ByteString) throws -> FileStatus {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw RepositoryError.fileSystem("stat", path) }
    return FileStatus(status)
  }

  /// The status of `name` in the open directory, or nil when there is no such entry any more.
  static func of(_ name: ByteString, in directory: Int32, path: ByteString) throws -> FileStatus? {
    var status = stat()
    let result = name.withCString { fstatat(directory, $0, &status, AT_SYMLINK_NOFOLLOW) }
    if result == 0 { return FileStatus(status) }
    if errno == ENOENT { return nil }
    throw RepositoryError.fileSystem("stat", path)
  }

  var isRegularFile: Bool { type == S_IFREG }
  var isDirectory: Bool { type == S_IFDIR }

  /// Is it as `other` was: the same inode, and neither content nor attributes touched in between?
  func isUntouched(since other: FileStatus) -> Bool {
    size == other.size && modified == other.modified && changed == other.changed && inode == other.inode
  }

  /// The attributes of a node of this status. As in restic, times of access are not kept, and device numbers only where
  /// a hard link needs them: otherwise reading a file, or mounting its volume anew, would change every tree.
  func attributes(names: AccountNames, extended: [ExtendedAttribute]) -> NodeAttributes {
    let countsLinks = type != S_IFDIR && type != S_IFIFO && type != S_IFSOCK
    return NodeAttributes(
      mode: mode, modified: modified, changed: changed, userID: userID, groupID: groupID,
      userName: names.user(userID), groupName: names.group(groupID), inode: inode,
      deviceID: countsLinks && links > 1 ? deviceID : 0, links: countsLinks ? links : 0, extendedAttributes: extended)
  }
}

extension UnixTime {
  init(_ time: timespec) {
    self.init(seconds: Int64(time.tv_sec), nanoseconds: Int32(time.tv_nsec))
  }

  var timespec: timespec { Glibc.timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds)) }
}
