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
  /// When the next attempt begins, after a failure that may pass; nil otherwise.
  public var retryAt: Timestamp?
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
