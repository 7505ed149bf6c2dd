public import KubeModel

/// One run that produced, or failed to produce, one restic snapshot.
public struct Backup: KubeStatusResource {
  public static let resource = TidemarkGroup.resource(kind: "Backup", plural: "backups")

  /// Name, namespace and the rest of Kubernetes' metadata.
  public var metadata: ObjectMeta
  /// What the user asked for.
  public var spec: BackupSpec
  /// How far it is; nil until the first reconcile.
  public var status: BackupStatus?

  /// A backup as a user would write it.
  public init(metadata: ObjectMeta, spec: BackupSpec) {
    (self.metadata, self.spec) = (metadata, spec)
  }
}

/// What is protected: exactly one of the fields is set.
public struct BackupTarget: Codable, Sendable, Equatable {
  /// The name of a Database in the same namespace.
  public var database: String?
  /// An application with volumes.
  public var application: WorkloadReference?
  /// The name of a Bucket in the same namespace.
  public var bucket: String?

  /// The Database of this name.
  public init(database: String) { self.database = database }
}

/// How the bytes are taken.
public enum BackupMethod: String, Codable, Sendable, CaseIterable {
  /// A base backup over the replication protocol; the default for a Database.
  case physical
  /// A dump by PostgreSQL's own programs.
  case logical
  /// The files of volumes or the objects of a bucket.
  case files
}

/// What becomes of the snapshot when its Backup is deleted.
public enum DeletionPolicy: String, Codable, Sendable, CaseIterable {
  /// The snapshot is forgotten.
  case delete = "Delete"
  /// The snapshot stays in the repository.
  case retain = "Retain"
}

/// The spec of a backup.
public struct BackupSpec: Codable, Sendable, Equatable {
  /// What is backed up.
  public var target: BackupTarget
  /// The destination, in the same namespace.
  public var destinationName: String
  /// How; nil: by the target.
  public var method: BackupMethod?
  /// For an application: how its volumes are taken; nil: all of them, with all that is in them.
  public var volumes: VolumesSpec?
  /// What becomes of the snapshot when the Backup is deleted.
  public var deletionPolicy: DeletionPolicy
  /// How long after its completion the Backup deletes itself; nil: never.
  public var expiresAfter: GoDuration?

  /// A backup of `target` to `destinationName`.
  public init(target: BackupTarget, destinationName: String, deletionPolicy: DeletionPolicy = .delete) {
    (self.target, self.destinationName, self.deletionPolicy) = (target, destinationName, deletionPolicy)
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    target = try container.decode(BackupTarget.self, forKey: .target)
    destinationName = try container.decode(String.self, forKey: .destinationName)
    method = try container.decodeIfPresent(BackupMethod.self, forKey: .method)
    volumes = try container.decodeIfPresent(VolumesSpec.self, forKey: .volumes)
    deletionPolicy = try container.decode(.deletionPolicy, default: .delete)
    expiresAfter = try container.decodeIfPresent(GoDuration.self, forKey: .expiresAfter)
  }

  /// How the bytes are taken, with the target's default where the user left it out.
  public var effectiveMethod: BackupMethod { method ?? (target.database == nil ? .files : .physical) }
}

/// How far a backup is.
public enum BackupPhase: String, Codable, Sendable, CaseIterable {
  /// Waiting for what it needs, or for its turn.
  case pending = "Pending"
  /// Its step is at work.
  case running = "Running"
  /// The snapshot is durable in the object store.
  case completed = "Completed"
  /// It failed for good; `error` says why.
  case failed = "Failed"
  /// Its snapshot is being forgotten.
  case deleting = "Deleting"

  /// Whether nothing more will happen by itself.
  public var isFinal: Bool { self == .completed || self == .failed }
}

/// What is known of a backup.
public struct BackupStatus: Codable, Sendable, Equatable {
  /// The generation of the spec that the rest speaks of.
  public var observedGeneration: Int64?
  /// `Ready`, `Reconciling`, `Stalled`.
  public var conditions: [Condition]?
  /// How far it is.
  public var phase: BackupPhase?
  /// When the first attempt began.
  public var startedAt: Timestamp?
  /// When it completed or failed.
  public var completedAt: Timestamp?
  /// How often its step was started.
  public var attempts: Int?
  /// What the first attempt began with, which all that follows keeps to: the spec may be edited meanwhile.
  public var begunWith: BackupSubject?
  /// When the next attempt begins, after a failure that may pass; nil otherwise.
  public var retryAt: Timestamp?
  /// The restic snapshot's id, 64 hexadecimal digits.
  public var snapshot: String?
  /// The snapshots of files or objects; the first is `snapshot` too.
  public var snapshots: [FilesSnapshot]?
  /// How large it is.
  public var size: BackupSize?
  /// How far the step is.
  public var progress: StepProgress?
  /// The facts of a base backup.
  public var postgres: PostgresBackupStatus?
  /// What went wrong.
  public var error: FailureStatus?

  /// A status that says nothing yet.
  public init() {}
}

/// The size of a backup, in bytes.
public struct BackupSize: Codable, Sendable, Equatable {
  /// What a restore writes.
  public var logical: Int64
  /// What of it no earlier snapshot had, before compression; 0 where a snapshot that was found does not say.
  public var added: Int64
  /// What was uploaded for it, compressed and encrypted; 0 where a snapshot that was found does not say.
  public var stored: Int64

  /// The given sizes.
  public init(logical: Int64, added: Int64, stored: Int64) {
    (self.logical, self.added, self.stored) = (logical, added, stored)
  }
}

/// How far a step is.
public struct StepProgress: Codable, Sendable, Equatable {
  /// Bytes handled.
  public var bytesDone: Int64
  /// Bytes in all, as estimated; nil: unknown.
  public var bytesTotal: Int64?
  /// Files handled.
  public var filesDone: Int64
  /// `bytesDone` of `bytesTotal` in percent, for the column of `kubectl get`.
  public var percent: Int?
  /// What the step waits for; nil while it is at work.
  public var waitingFor: String?
  /// When this was written.
  public var updatedAt: Timestamp

  /// Progress as of `updatedAt`.
  public init(bytesDone: Int64, bytesTotal: Int64?, filesDone: Int64, updatedAt: Timestamp) {
    (self.bytesDone, self.bytesTotal, self.filesDone) = (bytesDone, bytesTotal, filesDone)
    self.updatedAt = updatedAt
    percent = bytesTotal.flatMap { $0 > 0 ? Int(min(100, bytesDone * 100 / $0)) : nil }
  }
}

/// The facts of a base backup.
public struct PostgresBackupStatus: Codable, Sendable, Equatable {
  /// The incarnation it was taken of.
  public var incarnation: String
  /// The timeline it was taken on.
  public var timeline: UInt32
  /// Where recovery from it begins.
  public var startLSN: String
  /// From where on it is consistent.
  public var stopLSN: String
  /// When it began, by the server's clock.
  public var startTime: MicroTime
  /// When it ended, by the server's clock.
  public var stopTime: MicroTime
  /// The cluster's system identifier, a decimal number.
  public var systemIdentifier: String
  /// The server's version.
  public var serverVersion: String

  /// The given facts.
  public init(
    incarnation: String, timeline: UInt32, startLSN: String, stopLSN: String, startTime: MicroTime,
    stopTime: MicroTime, systemIdentifier: String, serverVersion: String
  ) {
    (self.incarnation, self.timeline, self.startLSN, self.stopLSN) = (incarnation, timeline, startLSN, stopLSN)
    (self.startTime, self.stopTime) = (startTime, stopTime)
    (self.systemIdentifier, self.serverVersion) = (systemIdentifier, serverVersion)
  }
}

/// Why something failed, and what to do.
public struct FailureStatus: Codable, Sendable, Equatable {
  /// A stable word, the same as the condition's reason.
  public var code: String
  /// What was wrong, what is expected, what to do next.
  public var message: String

  /// This code and message.
  public init(code: String, message: String) { (self.code, self.message) = (code, message) }
}
