public import KubeModel

/// How far a restore is.
public enum RestorePhase: String, Codable, Sendable, CaseIterable {
  /// Waiting for what it needs.
  case pending = "Pending"
  /// What it needs is looked for; nothing has been created.
  case preflight = "Preflight"
  /// The base backup is being restored, or the dump loaded.
  case restoring = "Restoring"
  /// The new instance replays its write-ahead log.
  case recovering = "Recovering"
  /// The restored instance takes connections; clients are still on the previous one.
  case readyToSwitch = "ReadyToSwitch"
  /// Clients are being moved from one instance to the other.
  case switching = "Switching"
  /// Clients are on the restored instance, or the dump is loaded.
  case completed = "Completed"
  /// It failed for good; `error` says why.
  case failed = "Failed"
}

/// What is known of a restore.
public struct RestoreRequestStatus: Codable, Sendable, Equatable {
  /// The generation of the spec that the rest speaks of.
  public var observedGeneration: Int64?
  /// `Ready`, `Reconciling`, `Stalled`.
  public var conditions: [Condition]?
  /// How far it is.
  public var phase: RestorePhase?
  /// When the first attempt began.
  public var startedAt: Timestamp?
  /// When the restored instance, or the loaded database, was ready.
  public var restoredAt: Timestamp?
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
  /// The Database whose clients are to be on what is restored, once it is known.
  public var database: String?
  /// The source that the first attempt began with, which all that follows keeps to: the spec may be edited meanwhile.
  public var begunWith: RestoreSource?
  /// The Database whose data are restored, where it is not `database`.
  public var sourceDatabase: String?
  /// How it is restored: the strategy that the spec had when it began.
  public var strategy: RestoreStrategy?
  /// The restored instance.
  public var instance: DatabaseInstance?
  /// The instance that clients were on before the switch; kept, and stopped from taking writes.
  public var previousInstance: DatabaseInstance?
  /// The switch that is under way; nil between switches.
  public var switching: SwitchStatus?
  /// The databases of the previous server that a switch closed for connections; switching back opens them.
  public var closedDatabases: [String]?
  /// Until when the instance that clients were moved from last is kept; nil: as long as its Database.
  public var keepUntil: Timestamp?
  /// The instance that was removed when that time was over: there is no switching to it any more.
  public var removedInstance: String?
  /// The moment that was reached.
  public var recoveredTo: RecoveredTo?
  /// What a dump was loaded into; while it is at work, what it becomes.
  public var loaded: LoadedDump?
  /// The volumes or the bucket that files are restored to, once it has begun.
  public var filesTarget: BackupTarget?
  /// What was restored of files or objects.
  public var files: RestoredFiles?
  /// What went wrong.
  public var error: FailureStatus?

  /// A status that says nothing yet.
  public init() {}
}

/// A server that can be, or was, the live one of a Database.
public struct DatabaseInstance: Codable, Sendable, Equatable {
  /// The instance's name, where Tidemark hosts it; nil: the server of `spec.connection`.
  public var name: String?
  /// The major version of its server; nil for the server of `spec.connection`.
  public var serverMajor: Int?
  /// Where it is reached.
  public var endpoint: Endpoint?
  /// The incarnation that it lives; nil: that of its system identifier.
  public var incarnation: String?
  /// Where that incarnation left its parent, as JSON; nil where it has none.
  public var origin: String?

  /// An instance with the given facts.
  public init(
    name: String? = nil, serverMajor: Int? = nil, endpoint: Endpoint? = nil, incarnation: String? = nil,
    origin: String? = nil
  ) {
    (self.name, self.serverMajor, self.endpoint) = (name, serverMajor, endpoint)
    (self.incarnation, self.origin) = (incarnation, origin)
  }
}

/// Which way a switch goes.
public enum SwitchDirection: String, Codable, Sendable, CaseIterable {
  /// From the previous instance to the restored one.
  case toRestored = "ToRestored"
  /// From the restored instance back to the previous one.
  case toPrevious = "ToPrevious"
}

/// What a switch is at.
public enum SwitchStage: String, Codable, Sendable, CaseIterable {
  /// The old server is closed for clients, and their transactions end.
  case closing = "Closing"
  /// The old server takes no more writes; its log is being stored up to the end.
  case waitingForLog = "WaitingForLog"
  /// The new server becomes the Database's.
  case moving = "Moving"
  /// The new server is the Database's; endpoint and archive follow.
  case following = "Following"
  /// The switch was given up before anything moved; the old server is opened again.
  case undoing = "Undoing"
}

/// How far a switch is.
public struct SwitchStatus: Codable, Sendable, Equatable {
  /// Which way it goes.
  public var direction: SwitchDirection
  /// What it is at.
  public var stage: SwitchStage
  /// When it began.
  public var startedAt: Timestamp
  /// Up to where the old instance's log has to be stored before clients move; nil until it takes no more writes.
  public var lastLSN: String?

  /// A switch that began at `startedAt`.
  public init(
    direction: SwitchDirection, stage: SwitchStage = .closing, startedAt: Timestamp, lastLSN: String? = nil
  ) {
    (self.direction, self.stage, self.startedAt, self.lastLSN) = (direction, stage, startedAt, lastLSN)
  }
}

/// What a dump was loaded into.
public struct LoadedDump: Codable, Sendable, Equatable {
  /// The database that holds the dump.
  public var database: String
  /// The name under which the database that had that name before was kept; nil where there was none.
  public var keptAs: String?

  /// A dump in `database`.
  public init(database: String, keptAs: String? = nil) { (self.database, self.keptAs) = (database, keptAs) }
}
