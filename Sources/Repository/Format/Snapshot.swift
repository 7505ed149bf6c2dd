public import ObjectStore

/// A directory tree at one moment, with who made it: a file in `snapshots/`.
public struct Snapshot: Sendable, Hashable {
  /// Its name; nil before it is saved.
  public internal(set) var id: SnapshotID?
  /// When the backup began.
  public var time: UnixTime
  /// The snapshot that this one was compared with while it was made.
  public var parent: SnapshotID?
  /// The root of its tree.
  public var tree: BlobID
  /// The absolute paths that were backed up.
  public var paths: [String]
  /// The host that was backed up.
  public var hostname: String
  /// The user that made it.
  public var username: String
  /// That user's number.
  public var uid: UInt32
  /// That user's group's number.
  public var gid: UInt32
  /// Patterns that were left out.
  public var excludes: [String]
  /// Words to find it by.
  public var tags: [String]
  /// The snapshot of which this one is a copy with other tags.
  public var original: SnapshotID?
  /// The program that made it, with its version.
  public var programVersion: String?

  /// A snapshot of `tree`, not saved yet.
  public init(
    time: UnixTime, tree: BlobID, paths: [String], hostname: String, username: String = "", uid: UInt32 = 0,
    gid: UInt32 = 0, excludes: [String] = [], tags: [String] = [], parent: SnapshotID? = nil,
    original: SnapshotID? = nil, programVersion: String? = nil
  ) {
    self.time = time
    self.parent = parent
    self.tree = tree
    self.paths = paths
    self.hostname = hostname
    self.username = username
    self.uid = uid
    self.gid = gid
    self.excludes = excludes
    self.tags = tags
    self.original = original
    self.programVersion = programVersion
  }
}

extension Snapshot: Codable {
  private enum CodingKeys: String, CodingKey {
    case time, parent, tree, paths, hostname, username, uid, gid, excludes, tags, original
    case programVersion = "program_version"
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let text = try container.decode(String.self, forKey: .time)
    guard let time = RFC3339.time(text) else {
      throw DecodingError.dataCorruptedError(
        forKey: .time, in: container, debugDescription: "'\(text)' is not an RFC 3339 time")
    }
    self.init(
      time: time, tree: try container.decode(BlobID.self, forKey: .tree),
      paths: try container.decodeIfPresent([String].self, forKey: .paths) ?? [],
      hostname: try container.decodeIfPresent(String.self, forKey: .hostname) ?? "",
      username: try container.decodeIfPresent(String.self, forKey: .username) ?? "",
      uid: try container.decodeIfPresent(UInt32.self, forKey: .uid) ?? 0,
      gid: try container.decodeIfPresent(UInt32.self, forKey: .gid) ?? 0,
      excludes: try container.decodeIfPresent([String].self, forKey: .excludes) ?? [],
      tags: try container.decodeIfPresent([String].self, forKey: .tags) ?? [],
      parent: try container.decodeIfPresent(SnapshotID.self, forKey: .parent),
      original: try container.decodeIfPresent(SnapshotID.self, forKey: .original),
      programVersion: try container.decodeIfPresent(String.self, forKey: .programVersion))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(RFC3339.text(time), forKey: .time)
    try container.encodeIfPresent(parent, forKey: .parent)
    try container.encode(tree, forKey: .tree)
    try container.encode(paths, forKey: .paths)
    if !hostname.isEmpty { try container.encode(hostname, forKey: .hostname) }
    if !username.isEmpty { try container.encode(username, forKey: .username) }
    if uid != 0 { try container.encode(uid, forKey: .uid) }
    if gid != 0 { try container.encode(gid, forKey: .gid) }
    if !excludes.isEmpty { try container.encode(excludes, forKey: .excludes) }
    if !tags.isEmpty { try container.encode(tags, forKey: .tags) }
    try container.encodeIfPresent(original, forKey: .original)
    try container.encodeIfPresent(programVersion, forKey: .programVersion)
  }
}
