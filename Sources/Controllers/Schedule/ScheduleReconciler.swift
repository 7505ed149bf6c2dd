import KubeClient
public import KubeModel
public import KubeRuntime
import TidemarkAPI

/// Makes the Backups of BackupSchedules when they are due, and deletes those that retention no longer keeps.
public struct ScheduleReconciler: Reconciler {
  private let environment: ControllerEnvironment

  /// A reconciler in this environment.
  public init(_ environment: ControllerEnvironment) { self.environment = environment }

  public func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    guard let schedule = environment.stores.schedules[key], schedule.metadata.uid != nil else { return .done }
    let plan = SchedulePlan.make(observe(schedule))
    // What is done is written after: a crash in between finds the Backup by its name, and a run is neither lost nor
    // made twice.
    for action in plan.actions { try await perform(action, for: schedule) }
    _ = try await environment.statuses.applyIfChanged(plan.status, to: schedule)
    environment.events.record(plan.events, about: schedule)
    return plan.next
  }

  private func observe(_ schedule: BackupSchedule) -> ScheduleObservation {
    let stores = environment.stores
    let now = Timestamp.now
    let backups = stores.backups(of: schedule)
    let database = schedule.spec.target.database.map {
      ObjectKey(namespace: schedule.metadata.namespace, name: $0)
    }
    let retention = RetentionPlan.make(
      RetentionObservation(
        schedule: schedule, backups: backups,
        siblings: stores.backups(of: schedule.spec.target, in: schedule.metadata.namespace),
        database: database.flatMap { stores.databases[$0] },
        inUse: stores.backupsBeingRestored(in: schedule.metadata.namespace), now: now))
    return ScheduleObservation(schedule: schedule, backups: backups, retention: retention, now: now)
  }

  private func perform(_ action: SchedulePlan.Action, for schedule: BackupSchedule) async throws {
    switch action {
    case .run(let slot):
      do {
        _ = try await environment.client.create(
          Backup(of: schedule, for: slot), fieldManager: TidemarkGroup.controllerFieldManager)
      } catch let error as KubeError where error.isAlreadyExists {
        // The name says which slot it is for: an earlier try made it.
        return
      }
    case .delete(let backup): try await environment.delete(backup)
    }
  }
}

extension Stores {
  /// The Backups that a schedule made. Nil statuses of them count as waiting.
  func backups(of schedule: BackupSchedule) -> [Backup] {
    backups.objects(index: Self.bySchedule, value: schedule.labelValue)
      .filter { schedule.made($0) }
  }

  /// The names of the Backups that RestoreRequests have not read to the end.
  func backupsBeingRestored(in namespace: String?) -> Set<String> {
    let reading: [RestorePhase?] = [nil, .pending, .preflight, .restoring]
    return Set(
      restores.objects(in: namespace).filter { reading.contains($0.status?.phase) }.compactMap(\.source.backupName)
    )
  }

  /// The schedules that may have made a Backup.
  func schedules(of backup: Backup) -> [ObjectKey] {
    guard let label = backup.metadata.labels[TidemarkLabel.schedule] else { return [] }
    return schedules.objects(index: Self.bySchedule, value: label)
      .filter { $0.metadata.namespace == backup.metadata.namespace }.map(\.key)
  }
}
