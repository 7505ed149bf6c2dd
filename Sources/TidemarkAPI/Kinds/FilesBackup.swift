/// How an application is kept still while its volumes are read.
public enum VolumeQuiesce: String, Codable, Sendable, CaseIterable {
  /// Not at all: files that change while they are read are read again, and told.
  case none = "None"
  /// It is scaled to none, and gets its replicas back: all volumes are of one moment.
  case scaleDown = "ScaleDown"
}

/// How the volumes of an application are backed up.
public struct VolumesSpec: Codable, Sendable, Equatable {
  /// The claims; nil: all that the application has.
  public var claims: [String]?
  /// Patterns of paths, from a volume's root, that belong to the backup; nil or none: all.
  public var include: [String]?
  /// Patterns of paths that do not.
  public var exclude: [String]?
  /// Whether a file that has the same size and time of modification counts as unchanged, whatever its inode and time of
  /// change: for volumes that are copies, which give new ones each time.
  public var ignoreChangeTime: Bool?
  /// How the application is kept still meanwhile; nil: not at all.
  public var quiesce: VolumeQuiesce?

  /// All volumes, with all that is in them.
  public init() {}
}

/// A snapshot of files or objects, one of those that a Backup has.
public struct FilesSnapshot: Codable, Sendable, Equatable {
  /// The claim of the volume; nil for a bucket.
  public var claim: String?
  /// The restic snapshot's id, 64 hexadecimal digits.
  public var snapshot: String
  /// Files, or objects.
  public var files: Int64
  /// Bytes of them.
  public var bytes: Int64

  /// The given snapshot.
  public init(claim: String? = nil, snapshot: String, files: Int64, bytes: Int64) {
    (self.claim, self.snapshot, self.files, self.bytes) = (claim, snapshot, files, bytes)
  }
}

/// What of a backup of files or objects is not as it was.
public struct FileInconsistencies: Codable, Sendable, Equatable {
  /// How many names are told at most.
  public static let namesBound = 20

  /// How many changed each time they were read, or could not be read.
  public var changed: Int
  /// How many were listed, and gone when they were to be read.
  public var vanished: Int
  /// The first of those that changed, with what happened.
  public var names: [String]

  /// The given counts and names.
  public init(changed: Int, vanished: Int, names: [String]) {
    (self.changed, self.vanished, self.names) = (changed, vanished, names)
  }
}

/// How files or objects are restored.
public struct RestoreFilesSpec: Codable, Sendable, Equatable {
  /// A claim that is restored into another.
  public struct NewClaim: Codable, Sendable, Equatable {
    /// The claim that was backed up.
    public var claim: String
    /// The claim that is restored into, made as the other is where it is not there.
    public var newClaim: String

    /// `claim` into `newClaim`.
    public init(claim: String, newClaim: String) { (self.claim, self.newClaim) = (claim, newClaim) }
  }

  /// Paths from a volume's root, or beginnings of keys up to a slash, that alone are restored; nil or none: all.
  public var paths: [String]?
  /// For a bucket: what is put before each key.
  public var keyPrefix: String?
  /// For a bucket: whether objects that the backup does not have are deleted.
  public var deleteOthers: Bool?
  /// For volumes: claims that are restored into others; those that are not named go into their own.
  public var newClaims: [NewClaim]?
  /// For volumes: a workload of this name is made, a copy of the one that was backed up, with new claims of its own.
  public var newName: String?

  /// All of it, to where it came from.
  public init() {}
}

/// What was restored.
public struct RestoredFiles: Codable, Sendable, Equatable {
  /// Files or objects that were written.
  public var written: Int64
  /// Bytes of them.
  public var writtenBytes: Int64
  /// Objects that were there as they were.
  public var unchanged: Int64
  /// Objects that were deleted.
  public var deleted: Int64

  /// The given counts.
  public init(written: Int64, writtenBytes: Int64, unchanged: Int64, deleted: Int64) {
    (self.written, self.writtenBytes) = (written, writtenBytes)
    (self.unchanged, self.deleted) = (unchanged, deleted)
  }
}
