public import KubeModel

/// When backups are taken, and which of them are kept.
public struct BackupSchedule: KubeStatusResource {
  public static let resource = TidemarkGroup.resource(kind: "BackupSchedule", plural: "backupschedules")

  /// Name, namespace and the rest of Kubernetes' metadata.
  public var metadata: ObjectMeta
  /// What the user asked for.
  public var spec: BackupScheduleSpec
  /// What came of it; nil until the first reconcile.
  public var status: BackupScheduleStatus?

  /// A schedule as a user would write it.
  public init(metadata: ObjectMeta, spec: BackupScheduleSpec) {
    (self.metadata, self.spec) = (metadata, spec)
  }
}

/// What happens when a run is due while an earlier one of the same schedule is at work.
public enum ConcurrencyPolicy: String, Codable, Sendable, CaseIterable {
  /// The run is left out.
  case forbid = "Forbid"
  /// The earlier one is deleted.
  case replace = "Replace"
  /// Both exist.
  case allow = "Allow"
}

/// Which backups of a schedule are kept: each that one of the rules keeps, as with restic's `forget`.
///
/// No rule at all keeps every backup.
public struct RetentionPolicy: Codable, Sendable, Equatable {
  /// The newest so many.
  public var count: Int?
  /// The newest one of each of the last so many hours that have any.
  public var hourly: Int?
  /// The newest one of each of the last so many days that have any.
  public var daily: Int?
  /// The newest one of each of the last so many ISO weeks that have any.
  public var weekly: Int?
  /// The newest one of each of the last so many months that have any.
  public var monthly: Int?
  /// The newest one of each of the last so many years that have any.
  public var yearly: Int?
  /// All that are less than this much older than the newest.
  public var within: GoDuration?

  /// A policy that keeps every backup.
  public init() {}

  /// Whether there is no rule: what counts to zero is none either.
  public var isEmpty: Bool {
    within == nil && [count, hourly, daily, weekly, monthly, yearly].allSatisfy { ($0 ?? 0) <= 0 }
  }
}

/// The spec of a schedule.
public struct BackupScheduleSpec: Codable, Sendable, Equatable {
  /// Five fields (minute, hour, day of month, month, day of week), or `@hourly`, `@daily`, `@weekly`, `@monthly`.
  public var schedule: String
  /// The time zone of `schedule`, by its name in the IANA database.
  public var timeZone: String
  /// By how much at most a run is put off, so that not all schedules begin at once; the same for the same slot.
  public var jitter: GoDuration?
  /// What is backed up.
  public var target: BackupTarget
  /// The destination, in the same namespace.
  public var destinationName: String
  /// How; nil: by the target.
  public var method: BackupMethod?
  /// For an application: how its volumes are taken; nil: all of them, with all that is in them.
  public var volumes: VolumesSpec?
  /// Which backups are kept; nil: all.
  public var retention: RetentionPolicy?
  /// Whether no runs are started.
  public var suspend: Bool
  /// What happens when a run is due while another is at work.
  public var concurrencyPolicy: ConcurrencyPolicy
  /// How late a run may start at most; nil: as late as the next one is due.
  public var startingDeadline: GoDuration?
  /// What becomes of a snapshot when its Backup is deleted.
  public var deletionPolicy: DeletionPolicy

  /// Backups of `target` to `destinationName`, when `schedule` says.
  public init(schedule: String, target: BackupTarget, destinationName: String) {
    (self.schedule, self.target, self.destinationName) = (schedule, target, destinationName)
    timeZone = "UTC"
    suspend = false
    concurrencyPolicy = .forbid
    deletionPolicy = .delete
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    schedule = try container.decode(String.self, forKey: .schedule)
    timeZone = try container.decode(.timeZone, default: "UTC")
    jitter = try container.decodeIfPresent(GoDuration.self, forKey: .jitter)
    target = try container.decode(BackupTarget.self, forKey: .target)
    destinationName = try container.decode(String.self, forKey: .destinationName)
    method = try container.decodeIfPresent(BackupMethod.self, forKey: .method)
    volumes = try container.decodeIfPresent(VolumesSpec.self, forKey: .volumes)
    retention = try container.decodeIfPresent(RetentionPolicy.self, forKey: .retention)
    suspend = try container.decode(.suspend, default: false)
    concurrencyPolicy = try container.decode(.concurrencyPolicy, default: .forbid)
    startingDeadline = try container.decodeIfPresent(GoDuration.self, forKey: .startingDeadline)
    deletionPolicy = try container.decode(.deletionPolicy, default: .delete)
  }
}

/// What is known of a schedule.
public struct BackupScheduleStatus: Codable, Sendable, Equatable {
  /// The generation of the spec that the rest speaks of.
  public var observedGeneration: Int64?
  /// `Ready`, `Reconciling`, `Stalled`, `RetentionHeld`.
  public var conditions: [Condition]?
  /// When the next run is due, jitter included.
  public var nextRun: Timestamp?
  /// The slot of the last run that was started: the time that the schedule says, without jitter.
  public var lastRun: Timestamp?
  /// Slots up to this one are done with: run, left out, or from before the schedule began as it is.
  public var settledUntil: Timestamp?
  /// The `schedule` and `timeZone` that `settledUntil` speaks of; `Suspended` while there were none.
  public var timing: String?
  /// When its newest Completed Backup completed.
  public var lastSuccess: Timestamp?
  /// When its newest Failed Backup failed.
  public var lastFailure: Timestamp?
  /// The names of its Backups that have not ended.
  public var active: [String]?

  /// A status that says nothing yet.
  public init() {}
}
