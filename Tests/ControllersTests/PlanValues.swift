import KubeModel
import Steps
import TidemarkAPI

/// The values that the tables of plans are made of: a Database `shop`, a destination `s3`, and what refers to them.
enum PlanValues {
  static let now = Timestamp(secondsSince1970: 1_000_000)

  static func metadata(_ name: String, generation: Int64 = 1) -> ObjectMeta {
    var metadata = ObjectMeta(
      name: name, namespace: "demo", finalizers: [TidemarkGroup.finalizer], uid: "uid-of-\(name)")
    metadata.generation = generation
    metadata.creationTimestamp = now
    return metadata
  }

  static func destination(_ change: (inout BackupDestination) -> Void = { _ in }) -> BackupDestination {
    var spec = BackupDestinationSpec(
      provider: .custom, bucket: "backups", credentials: DestinationCredentials(secretName: "keys"))
    spec.endpoint = "https://s3.example.org"
    var destination = BackupDestination(metadata: metadata("s3"), spec: spec)
    var status = BackupDestinationStatus()
    status.observedGeneration = 1
    status.lastValidated = now
    status.conditions = [condition(ConditionType.ready, .true, Reason.validated)]
    destination.status = status
    change(&destination)
    return destination
  }

  static func database(_ change: (inout Database) -> Void = { _ in }) -> Database {
    var database = Database(
      metadata: metadata("shop"),
      spec: DatabaseSpec(
        connection: DatabaseConnection(host: "db", secretName: "login"), pitr: PITRSpec(destinationName: "s3")))
    change(&database)
    return database
  }

  static func backup(_ name: String = "first", _ change: (inout Backup) -> Void = { _ in }) -> Backup {
    var backup = Backup(
      metadata: metadata(name),
      spec: BackupSpec(target: BackupTarget(database: "shop"), destinationName: "s3"))
    change(&backup)
    return backup
  }

  static func schedule(
    _ text: String = "0 * * * *", _ change: (inout BackupSchedule) -> Void = { _ in }
  ) -> BackupSchedule {
    var schedule = BackupSchedule(
      metadata: metadata("nightly"),
      spec: BackupScheduleSpec(schedule: text, target: BackupTarget(database: "shop"), destinationName: "s3"))
    change(&schedule)
    return schedule
  }

  /// A Backup that `schedule` made for `slot`, in a phase; nil: not begun.
  static func run(
    of schedule: BackupSchedule, at slot: Timestamp, _ phase: BackupPhase? = .completed,
    _ change: (inout Backup) -> Void = { _ in }
  ) -> Backup {
    var backup = Backup(of: schedule, for: slot)
    backup.metadata.uid = "uid-of-\(backup.metadata.name ?? "")"
    backup.metadata.creationTimestamp = slot
    backup.metadata.finalizers = [TidemarkGroup.finalizer]
    if let phase {
      var status = BackupStatus()
      status.phase = phase
      status.begunWith = BackupSubject(backup.spec)
      if phase.isFinal { status.completedAt = Timestamp(secondsSince1970: slot.secondsSince1970 + 60) }
      if phase == .completed {
        status.snapshot = product.snapshot
        var facts = product.postgres
        facts.stopTime = MicroTime(Timestamp(secondsSince1970: slot.secondsSince1970 + 60))
        status.postgres = facts
      }
      backup.status = status
    }
    change(&backup)
    return backup
  }

  static func clone(_ change: (inout PITRClone) -> Void = { _ in }) -> PITRClone {
    var moment = PointInTime()
    moment.latest = true
    var clone = PITRClone(
      metadata: metadata("rescue"), spec: PITRCloneSpec(database: "shop", pointInTime: moment, newName: "rescued"))
    change(&clone)
    return clone
  }

  /// A restore of `shop` to its last commit, on its way or, with an instance, restored.
  static func restore(_ change: (inout RestoreRequest) -> Void = { _ in }) -> RestoreRequest {
    var moment = PointInTime()
    moment.latest = true
    var source = RestoreSource()
    source.pointInTime = DatabaseMoment(database: "shop", moment: moment)
    var restore = RestoreRequest(metadata: metadata("undo"), spec: RestoreRequestSpec(source: source))
    change(&restore)
    return restore
  }

  static func condition(
    _ type: String, _ status: Condition.Status, _ reason: String, _ message: String = ""
  ) -> Condition {
    Condition(type: type, status: status, reason: reason, message: message, lastTransitionTime: now)
  }

  static let failure = FailureStatus(code: "ServerError", message: "the store answered 500")

  static let product = BaseBackupProduct(
    snapshot: String(repeating: "ab", count: 32), size: BackupSize(logical: 300, added: 200, stored: 100),
    postgres: PostgresBackupStatus(
      incarnation: "i1", timeline: 1, startLSN: "0/2000028", stopLSN: "0/2000100", startTime: MicroTime(now),
      stopTime: MicroTime(now), systemIdentifier: "7", serverVersion: "15.18"))

  static let discovered = DiscoveredBackup(
    snapshot: product.snapshot, method: .physical,
    completedAt: Timestamp(secondsSince1970: now.secondsSince1970 - 3600),
    size: product.size, postgres: product.postgres, backup: "uid-of-another-cluster")

  static let restored = RestoredDatabaseProduct(
    preflight: PreflightStatus(), incarnation: "i1", timeline: 1, serverMajor: 15, logicalBytes: 300)

  static let instance = RunningInstance(
    endpoint: Endpoint(host: "127.0.0.1", port: 5433), recoveredTo: RecoveredTo(lsn: "0/3000000", timeline: 2))
}

extension ObjectMeta {
  /// The same, as it is after `kubectl delete`.
  mutating func beginDeletion() { deletionTimestamp = PlanValues.now }
}

extension [Condition]? {
  /// The reason of the condition Ready.
  var readyReason: String? { self?[type: ConditionType.ready]?.reason }
}
