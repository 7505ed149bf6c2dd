public import ObjectStore

/// What a snapshot says about itself, besides its tree.
public struct SnapshotDescription: Sendable, Hashable {
  /// When the backup began.
  public var time: UnixTime
  /// The host that was backed up.
  public var hostname: String
  /// The user that made it.
  public var username: String
  /// The absolute paths that were backed up; for what has no path, a word such as `/postgresql`.
  public var paths: [String]
  /// Words to find it by.
  public var tags: [String]
  /// Patterns that were left out.
  public var excludes: [String]
  /// The program that makes it, with its version.
  public var programVersion: String?

  /// A description; what is left out is this process's own: now, this host, this user.
  public init(
    time: UnixTime = .now, hostname: String? = nil, username: String? = nil, paths: [String], tags: [String] = [],
    excludes: [String] = [], programVersion: String? = nil
  ) {
    let identity = LocalIdentity.current
    self.time = time
    self.hostname = hostname ?? identity.hostname
    self.username = username ?? identity.username
    self.paths = paths
    self.tags = tags
    self.excludes = excludes
    self.programVersion = programVersion
  }

  /// The snapshot of `tree` that this describes, not saved yet.
  func snapshot(of tree: BlobID, parent: SnapshotID?) -> Snapshot {
    let identity = LocalIdentity.current
    return Snapshot(
      time: time, tree: tree, paths: paths, hostname: hostname, username: username, uid: identity.uid,
      gid: identity.gid, excludes: excludes, tags: tags, parent: parent, programVersion: programVersion)
  }
}
