import Foundation
public import KubeModel

/// A backup that was found in the bucket, as its snapshot's tags tell of it.
public struct DiscoveredBackup: Codable, Sendable, Equatable {
  /// The restic snapshot's id, 64 hexadecimal digits.
  public var snapshot: String
  /// How it was taken.
  public var method: BackupMethod
  /// When it ended, by the clock that the snapshot tells of.
  public var completedAt: Timestamp
  /// How large it is; 0 where the snapshot does not say.
  public var size: BackupSize
  /// The facts of a base backup; nil for other backups.
  public var postgres: PostgresBackupStatus?
  /// The uid of the Backup that it was taken for; nil where the snapshot does not say.
  public var backup: String?
  /// The snapshots of a backup of files or objects, of which `snapshot` is the first; nil for others.
  public var snapshots: [FilesSnapshot]?

  /// A backup with these facts.
  public init(
    snapshot: String, method: BackupMethod, completedAt: Timestamp, size: BackupSize,
    postgres: PostgresBackupStatus? = nil, backup: String? = nil, snapshots: [FilesSnapshot]? = nil
  ) {
    self.snapshots = snapshots
    (self.snapshot, self.method, self.completedAt, self.size) = (snapshot, method, completedAt, size)
    (self.postgres, self.backup) = (postgres, backup)
  }
}

/// Whether a Backup stands for a snapshot that was found, or for a run.
public enum BackupDiscovery: Sendable, Equatable {
  /// It stands for a run.
  case none
  /// It stands for this.
  case found(DiscoveredBackup)
  /// It says that it stands for a snapshot, and not for which.
  case unreadable
}

extension Backup {
  /// What the annotation ``TidemarkAnnotation/discovered`` says.
  ///
  /// It holds all that the status is made of, so that a Backup which was found is whole from its creation on, and is
  /// never mistaken for one that is to run.
  public var discovery: BackupDiscovery {
    guard let text = metadata.annotations[TidemarkAnnotation.discovered] else {
      return metadata.labels[TidemarkLabel.origin] == BackupOrigin.discovered ? .unreadable : .none
    }
    guard let found = try? JSONDecoder().decode(DiscoveredBackup.self, from: Data(text.utf8)) else {
      return .unreadable
    }
    return .found(found)
  }

  /// The Backup `name` that stands for `found`, whose snapshot stays when it is deleted.
  public static func discovered(
    _ found: DiscoveredBackup, named name: String, of target: BackupTarget, namespace: String?,
    in destinationName: String
  ) throws -> Backup {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var backup = Backup(
      metadata: ObjectMeta(
        name: name, namespace: namespace, labels: [TidemarkLabel.origin: BackupOrigin.discovered],
        annotations: [TidemarkAnnotation.discovered: String(decoding: try encoder.encode(found), as: UTF8.self)]),
      spec: BackupSpec(
        target: target, destinationName: destinationName, deletionPolicy: .retain))
    backup.spec.method = found.method
    return backup
  }
}
