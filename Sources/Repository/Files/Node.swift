public import ObjectStore

/// One entry of a directory in a snapshot.
public struct Node: Hashable, Sendable {
  /// The name in its directory: bytes, not necessarily UTF-8.
  public var name: ByteString
  /// What it is, with what only that kind has.
  public var kind: Kind
  /// Owner, times and the rest that every entry has.
  public var attributes: NodeAttributes

  /// An entry of a directory.
  public init(name: ByteString, kind: Kind, attributes: NodeAttributes) {
    self.name = name
    self.kind = kind
    self.attributes = attributes
  }

  /// What an entry is.
  public enum Kind: Hashable, Sendable {
    /// A regular file: its length in bytes, and the data blobs that it consists of, in order.
    case file(size: Int64, content: [BlobID])
    /// A directory, and the tree blob that holds its entries.
    case directory(subtree: BlobID)
    /// A symbolic link, and what it says.
    case symlink(target: ByteString)
    /// A block device, with its `st_rdev`.
    case blockDevice(UInt64)
    /// A character device, with its `st_rdev`.
    case characterDevice(UInt64)
    /// A named pipe.
    case fifo
    /// A socket. restic neither stores nor restores them; it may stand in a tree nevertheless.
    case socket
    /// A kind that this version does not know, by its name in the tree.
    case unknown(String)
  }
}

/// What a node has besides its name and its content.
public struct NodeAttributes: Hashable, Sendable {
  /// POSIX permission bits, with set-user-ID, set-group-ID and sticky: `st_mode & 07777`.
  public var mode: UInt32
  /// When the content was last changed.
  public var modified: UnixTime
  /// When it was last read. Like restic we write the time of modification here, so that reading changes no tree.
  public var accessed: UnixTime
  /// When content or attributes were last changed.
  public var changed: UnixTime
  /// The owner's number.
  public var userID: UInt32
  /// The group's number.
  public var groupID: UInt32
  /// The owner's name where the backup was taken; empty when there was none.
  public var userName: String
  /// The group's name where the backup was taken; empty when there was none.
  public var groupName: String
  /// The inode number, or 0.
  public var inode: UInt64
  /// The number of the device that held it; kept for hard links only, 0 otherwise.
  public var deviceID: UInt64
  /// How many names the inode had; 0 for directories, pipes and sockets, as restic writes it.
  public var links: UInt64
  /// Extended attributes, among them POSIX ACLs (`system.posix_acl_access`, `system.posix_acl_default`).
  public var extendedAttributes: [ExtendedAttribute]

  /// Attributes as given; what is left out is root's, or nothing.
  public init(
    mode: UInt32, modified: UnixTime, changed: UnixTime? = nil, userID: UInt32 = 0, groupID: UInt32 = 0,
    userName: String = "", groupName: String = "", inode: UInt64 = 0, deviceID: UInt64 = 0, links: UInt64 = 0,
    extendedAttributes: [ExtendedAttribute] = []
  ) {
    self.mode = mode
    self.modified = modified
    self.accessed = modified
    self.changed = changed ?? modified
    self.userID = userID
    self.groupID = groupID
    self.userName = userName
    self.groupName = groupName
    self.inode = inode
    self.deviceID = deviceID
    self.links = links
    self.extendedAttributes = extendedAttributes
  }
}

/// A named value that a file system keeps beside a file.
public struct ExtendedAttribute: Hashable, Sendable {
  /// The full name, with its namespace, such as `user.comment`.
  public var name: ByteString
  /// The value.
  public var value: [UInt8]

  /// An attribute of this name and value.
  public init(name: ByteString, value: [UInt8]) {
    self.name = name
    self.value = value
  }
}
