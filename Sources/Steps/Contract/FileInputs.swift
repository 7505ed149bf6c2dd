/// A bucket that is backed up or restored.
public struct BucketInput: Codable, Sendable, Equatable {
  /// How it is reached; its `prefix` is what keys begin with that belong to it, and it has no repository.
  public var store: StoreInput
  /// Patterns of keys that belong to it; none: all.
  public var include: [String]
  /// Patterns of keys that do not.
  public var exclude: [String]

  /// The bucket at `store`.
  public init(store: StoreInput, include: [String] = [], exclude: [String] = []) {
    (self.store, self.include, self.exclude) = (store, include, exclude)
  }
}

/// A volume as a step finds it.
public struct VolumeInput: Codable, Sendable, Equatable {
  /// The claim that a snapshot is of.
  public var claim: String
  /// Where the volume is mounted.
  public var path: String
  /// For a restore: the snapshot that goes there, 64 hexadecimal digits.
  public var snapshot: String?

  /// The volume of `claim` at `path`.
  public init(claim: String, path: String, snapshot: String? = nil) {
    (self.claim, self.path, self.snapshot) = (claim, path, snapshot)
  }
}

/// The input of `bucket-backup`.
public struct BucketBackupInput: Codable, Sendable, Equatable {
  /// The Backup.
  public var backup: ServedResource
  /// Where progress is written.
  public var cluster: ClusterAccess
  /// Where the snapshot goes.
  public var store: StoreInput
  /// What the repository's keys begin with, below the destination's prefix.
  public var repositoryPrefix: String
  /// The bucket.
  public var bucket: BucketInput

  /// An input of these parts.
  public init(
    backup: ServedResource, cluster: ClusterAccess, store: StoreInput, repositoryPrefix: String, bucket: BucketInput
  ) {
    (self.backup, self.cluster, self.store) = (backup, cluster, store)
    (self.repositoryPrefix, self.bucket) = (repositoryPrefix, bucket)
  }
}

/// The input of `volume-backup`.
public struct VolumeBackupInput: Codable, Sendable, Equatable {
  /// The Backup.
  public var backup: ServedResource
  /// Where progress is written.
  public var cluster: ClusterAccess
  /// Where the snapshots go.
  public var store: StoreInput
  /// What the repository's keys begin with, below the destination's prefix.
  public var repositoryPrefix: String
  /// The volumes, in the order of their claims.
  public var volumes: [VolumeInput]
  /// Patterns of paths that belong to them; none: all.
  public var include: [String]
  /// Patterns of paths that do not.
  public var exclude: [String]
  /// Whether a file counts as changed by its time of change and inode too, as with restic.
  public var comparesChangeTime: Bool

  /// An input of these parts.
  public init(
    backup: ServedResource, cluster: ClusterAccess, store: StoreInput, repositoryPrefix: String,
    volumes: [VolumeInput], include: [String] = [], exclude: [String] = [], comparesChangeTime: Bool = true
  ) {
    (self.backup, self.cluster, self.store) = (backup, cluster, store)
    (self.repositoryPrefix, self.volumes) = (repositoryPrefix, volumes)
    (self.include, self.exclude, self.comparesChangeTime) = (include, exclude, comparesChangeTime)
  }
}

/// The input of `bucket-restore`.
public struct BucketRestoreInput: Codable, Sendable, Equatable {
  /// The RestoreRequest.
  public var request: ServedResource
  /// Where progress is written.
  public var cluster: ClusterAccess
  /// Where the snapshot lies.
  public var store: StoreInput
  /// What the repository's keys begin with, below the destination's prefix.
  public var repositoryPrefix: String
  /// The snapshot, 64 hexadecimal digits.
  public var snapshot: String
  /// The bucket that is restored to. Its prefix and patterns bound what may be deleted, and nothing else.
  public var bucket: BucketInput
  /// Beginnings of keys, up to a slash, that alone are restored; none: all.
  public var paths: [String]
  /// What is put before each key; empty: nothing.
  public var keyPrefix: String
  /// Whether objects that the snapshot does not have are deleted.
  public var deletesOthers: Bool

  /// An input of these parts.
  public init(
    request: ServedResource, cluster: ClusterAccess, store: StoreInput, repositoryPrefix: String, snapshot: String,
    bucket: BucketInput, paths: [String] = [], keyPrefix: String = "", deletesOthers: Bool = false
  ) {
    self.paths = paths
    (self.request, self.cluster, self.store) = (request, cluster, store)
    (self.repositoryPrefix, self.snapshot, self.bucket) = (repositoryPrefix, snapshot, bucket)
    (self.keyPrefix, self.deletesOthers) = (keyPrefix, deletesOthers)
  }
}

/// The input of `volume-restore`.
public struct VolumeRestoreInput: Codable, Sendable, Equatable {
  /// The RestoreRequest.
  public var request: ServedResource
  /// Where progress is written.
  public var cluster: ClusterAccess
  /// Where the snapshots lie.
  public var store: StoreInput
  /// What the repository's keys begin with, below the destination's prefix.
  public var repositoryPrefix: String
  /// The volumes that are restored to, with their snapshots.
  public var volumes: [VolumeInput]
  /// Paths from a volume's root that alone are restored; none: all of it.
  public var paths: [String]

  /// An input of these parts.
  public init(
    request: ServedResource, cluster: ClusterAccess, store: StoreInput, repositoryPrefix: String,
    volumes: [VolumeInput], paths: [String] = []
  ) {
    (self.request, self.cluster, self.store) = (request, cluster, store)
    (self.repositoryPrefix, self.volumes, self.paths) = (repositoryPrefix, volumes, paths)
  }
}
