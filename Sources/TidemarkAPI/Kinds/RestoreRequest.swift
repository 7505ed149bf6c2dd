public import KubeModel

/// Something that is to be brought back: beside what runs, with a switch that can be undone, or in its place.
public struct RestoreRequest: KubeStatusResource {
  public static let resource = TidemarkGroup.resource(kind: "RestoreRequest", plural: "restorerequests")

  /// Name, namespace and the rest of Kubernetes' metadata.
  public var metadata: ObjectMeta
  /// What the user asked for.
  public var spec: RestoreRequestSpec
  /// How far it is; nil until the first reconcile.
  public var status: RestoreRequestStatus?

  /// A restore as a user would write it.
  public init(metadata: ObjectMeta, spec: RestoreRequestSpec) {
    (self.metadata, self.spec) = (metadata, spec)
  }
}

extension RestoreRequest {
  /// What is restored: as the first attempt began, or as the spec says where none has.
  public var source: RestoreSource { status?.begunWith ?? spec.source }
}

/// What is restored: exactly one of the fields is set.
public struct RestoreSource: Codable, Sendable, Equatable {
  /// The name of a Completed Backup in the same namespace.
  public var backupName: String?
  /// A moment of a Database.
  public var pointInTime: DatabaseMoment?
  /// A dump in a destination.
  public var path: RestorePath?

  /// No source yet; set exactly one of the fields.
  public init() {}
}

/// A moment of a Database: the Database's name beside the fields of a ``PointInTime``.
public struct DatabaseMoment: Codable, Sendable, Equatable {
  /// The Database, in the same namespace.
  public var database: String
  /// The moment.
  public var moment: PointInTime

  /// `moment` of `database`.
  public init(database: String, moment: PointInTime) { (self.database, self.moment) = (database, moment) }

  private enum CodingKeys: String, CodingKey { case database }

  public init(from decoder: any Decoder) throws {
    database = try decoder.container(keyedBy: CodingKeys.self).decode(String.self, forKey: .database)
    moment = try PointInTime(from: decoder)
  }

  public func encode(to encoder: any Encoder) throws {
    try moment.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(database, forKey: .database)
  }
}

/// A dump that lies in a destination, as an object or as a file of a restic snapshot.
public struct RestorePath: Codable, Sendable, Equatable {
  /// The destination, in the same namespace.
  public var destinationName: String
  /// The object's key below the destination's prefix; with `snapshot`, the file's path in the snapshot.
  public var key: String
  /// How the dump is written; nil: told from its first bytes.
  public var format: DumpFormat?
  /// A restic snapshot that holds the file: its id, the beginning of its id, or `latest`.
  public var snapshot: String?
  /// The prefix of the snapshot's repository below the destination's prefix; nil: the target Database's own.
  public var repository: String?

  /// The object at `key` of `destinationName`.
  public init(destinationName: String, key: String, format: DumpFormat? = nil) {
    (self.destinationName, self.key, self.format) = (destinationName, key, format)
  }
}

/// How a dump is written.
public enum DumpFormat: String, Codable, Sendable, CaseIterable {
  /// SQL, as `pg_dump` writes it by default.
  case plain
  /// SQL, compressed by gzip.
  case gzip
  /// SQL, compressed by Zstandard.
  case zstd
  /// `pg_dump --format=custom`.
  case custom
  /// `pg_dump --format=tar`.
  case tar
}

/// Where a restored database goes.
public enum RestoreStrategy: String, Codable, Sendable, CaseIterable {
  /// A new instance beside the running one; clients are moved by a switch.
  case sideBySide = "SideBySide"
  /// The data directory of the running instance is replaced, and kept aside.
  case inPlace = "InPlace"
}

/// Who asks for the switch.
public enum SwitchOver: String, Codable, Sendable, CaseIterable {
  /// A person, by `switchRequested`.
  case manual = "Manual"
  /// It follows the recovery by itself.
  case automatic = "Automatic"
}

/// What a switch does about a previous server that can't be reached.
public enum UnreachablePolicy: String, Codable, Sendable, CaseIterable {
  /// It waits: the server might still take writes.
  case wait = "Wait"
  /// It goes on: a person says that the server takes no writes any more.
  case proceed = "Proceed"
}

/// The spec of a restore.
public struct RestoreRequestSpec: Codable, Sendable, Equatable {
  /// What is restored.
  public var source: RestoreSource
  /// Where to; nil: what was backed up.
  public var target: BackupTarget?
  /// Beside the running instance, or in its place.
  public var strategy: RestoreStrategy
  /// Who asks for the switch.
  public var switchOver: SwitchOver
  /// Whether clients are to be on the restored instance: true switches to it, false back; nil: as `switchOver` says.
  public var switchRequested: Bool?
  /// How long a switch waits for transactions to end before it ends them.
  public var drainTimeout: GoDuration
  /// What a switch does where the previous server can't be reached.
  public var whenUnreachable: UnreachablePolicy
  /// How long an instance that clients were moved from is kept; nil: as long as its Database.
  public var keepPrevious: GoDuration?
  /// For a path: the name that the loaded database gets; nil: the target's `connection.database`.
  public var databaseName: String?
  /// What of the target's instance template is to be different.
  public var instance: InstanceTemplate?
  /// For a backup of volumes or of a bucket: how it is restored; nil: all of it, to where it came from.
  public var files: RestoreFilesSpec?

  /// A restore of `source` beside what runs.
  public init(source: RestoreSource, target: BackupTarget? = nil) {
    (self.source, self.target) = (source, target)
    strategy = .sideBySide
    switchOver = .manual
    drainTimeout = Self.defaultDrainTimeout
    whenUnreachable = .wait
  }

  static let defaultDrainTimeout = GoDuration(.seconds(30))

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    source = try container.decode(RestoreSource.self, forKey: .source)
    target = try container.decodeIfPresent(BackupTarget.self, forKey: .target)
    strategy = try container.decode(.strategy, default: .sideBySide)
    switchOver = try container.decode(.switchOver, default: .manual)
    switchRequested = try container.decodeIfPresent(Bool.self, forKey: .switchRequested)
    drainTimeout = try container.decode(.drainTimeout, default: Self.defaultDrainTimeout)
    whenUnreachable = try container.decode(.whenUnreachable, default: .wait)
    keepPrevious = try container.decodeIfPresent(GoDuration.self, forKey: .keepPrevious)
    databaseName = try container.decodeIfPresent(String.self, forKey: .databaseName)
    instance = try container.decodeIfPresent(InstanceTemplate.self, forKey: .instance)
    files = try container.decodeIfPresent(RestoreFilesSpec.self, forKey: .files)
  }

  /// Whether clients are to be on the restored instance.
  public var wantsSwitch: Bool { switchRequested ?? (switchOver == .automatic) }
}
