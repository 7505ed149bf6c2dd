public import KubeModel

/// A new database as of a moment of another.
public struct PITRClone: KubeStatusResource {
  public static let resource = TidemarkGroup.resource(kind: "PITRClone", plural: "pitrclones")

  /// Name, namespace and the rest of Kubernetes' metadata.
  public var metadata: ObjectMeta
  /// What the user asked for.
  public var spec: PITRCloneSpec
  /// How far it is; nil until the first reconcile.
  public var status: PITRCloneStatus?

  /// A clone as a user would write it.
  public init(metadata: ObjectMeta, spec: PITRCloneSpec) {
    (self.metadata, self.spec) = (metadata, spec)
  }
}

/// A moment of a database: exactly one of time, lsn, xid, name and latest is set.
public struct PointInTime: Codable, Sendable, Equatable {
  /// Up to and with the last commit at or before this time.
  public var time: MicroTime?
  /// Up to and with the record at this LSN.
  public var lsn: String?
  /// Up to and with the commit of this transaction id.
  public var xid: String?
  /// The restore point of this name (`pg_create_restore_point`).
  public var name: String?
  /// The last stored commit; only `true` means something.
  public var latest: Bool?
  /// The incarnation to recover along; nil: the active one.
  public var incarnation: String?

  /// No moment yet; set exactly one of the fields.
  public init() {}
}

/// The spec of a clone.
public struct PITRCloneSpec: Codable, Sendable, Equatable {
  /// The Database that is cloned, in the same namespace.
  public var database: String
  /// The moment.
  public var pointInTime: PointInTime
  /// The name of the new Database.
  public var newName: String
  /// What of the source's instance template is to be different.
  public var instance: InstanceTemplate?

  /// A clone of `database` as of `pointInTime`.
  public init(database: String, pointInTime: PointInTime, newName: String) {
    (self.database, self.pointInTime, self.newName) = (database, pointInTime, newName)
  }
}

/// How far a clone is.
public enum PITRClonePhase: String, Codable, Sendable, CaseIterable {
  /// Waiting for what it needs.
  case pending = "Pending"
  /// What the recovery needs is looked for; nothing has been created.
  case preflight = "Preflight"
  /// The base backup is being restored.
  case restoring = "Restoring"
  /// The new instance replays its write-ahead log.
  case recovering = "Recovering"
  /// The new Database exists and takes connections.
  case completed = "Completed"
  /// It failed for good; `error` says why.
  case failed = "Failed"

  /// Whether nothing more will happen by itself.
  public var isFinal: Bool { self == .completed || self == .failed }
}

/// What is known of a clone.
public struct PITRCloneStatus: Codable, Sendable, Equatable {
  /// The generation of the spec that the rest speaks of.
  public var observedGeneration: Int64?
  /// `Ready`, `Reconciling`, `Stalled`.
  public var conditions: [Condition]?
  /// How far it is.
  public var phase: PITRClonePhase?
  /// When the first attempt began.
  public var startedAt: Timestamp?
  /// When it completed or failed.
  public var completedAt: Timestamp?
  /// How often its step was started.
  public var attempts: Int?
  /// What the recovery is made of.
  public var preflight: PreflightStatus?
  /// How far the restore is.
  public var progress: StepProgress?
  /// The name of the new Database.
  public var clone: String?
  /// Where the new instance is reached.
  public var endpoint: Endpoint?
  /// The moment that was reached.
  public var recoveredTo: RecoveredTo?
  /// What went wrong.
  public var error: FailureStatus?

  /// A status that says nothing yet.
  public init() {}
}

/// What a recovery is made of, found before anything is created.
public struct PreflightStatus: Codable, Sendable, Equatable {
  /// The restic snapshot of the base backup.
  public var baseBackup: String?
  /// The incarnations along which the log is read, the base backup's first.
  public var lineage: [String]?
  /// How many segments are replayed.
  public var walSegments: Int64?
  /// What is not in the store, each a segment's name.
  public var missing: [String]?

  /// What was found.
  public init(
    baseBackup: String? = nil, lineage: [String]? = nil, walSegments: Int64? = nil, missing: [String]? = nil
  ) {
    (self.baseBackup, self.lineage, self.walSegments, self.missing) = (baseBackup, lineage, walSegments, missing)
  }
}

/// The moment that a recovery reached.
public struct RecoveredTo: Codable, Sendable, Equatable {
  /// The time of the last replayed commit; nil where none was replayed.
  public var time: MicroTime?
  /// Where replay ended.
  public var lsn: String?
  /// The timeline that the promotion began.
  public var timeline: UInt32?

  /// The given moment.
  public init(time: MicroTime? = nil, lsn: String? = nil, timeline: UInt32? = nil) {
    (self.time, self.lsn, self.timeline) = (time, lsn, timeline)
  }
}
