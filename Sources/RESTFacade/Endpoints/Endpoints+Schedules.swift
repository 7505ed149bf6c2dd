import KubeClient
import KubeModel
import KubeRuntime
import TidemarkAPI

/// `/backup-schedules`
extension Endpoints {
  func listSchedules(_ call: Call) async throws -> Answer {
    .list(try await page(stores.schedules, call).map { ScheduleView(schedule: $0) })
  }

  func getSchedule(_ call: Call) async throws -> Answer {
    .data(ScheduleView(schedule: try await schedule(call, to: .get)))
  }

  func createSchedule(_ call: Call) async throws -> Answer {
    let named = try call.onlyNamespace()
    let bytes = try await call.body()
    var body = try BodyReader(bytes)
    let fields = try ScheduleFields.Creation(&body)
    let target = try await scheduled(fields, call, namespace: named)
    let namespace = target.namespace
    try await authorizer.require(Permission(.create, BackupSchedule.self, in: namespace), by: call.caller)
    var spec = fields.spec
    spec.target = target.target
    let destination = try await find(
      stores.destinations, field: "destination_id", fields.destination, call, namespace: namespace)
    guard destination.metadata.namespace == namespace else {
      throw FacadeError.field("destination_id", "lies in another namespace than the target; both must be in the same")
    }
    spec.destinationName = destination.metadata.name ?? ""
    try check(spec)
    let key = try IdempotencyKey(call, scope: "POST schedules", body: bytes)
    try await refuseReuse(of: key, in: namespace)
    let name = fields.name ?? MadeName.make(target.name, key)
    let schedule = BackupSchedule(metadata: ObjectMeta(name: name, namespace: namespace), spec: spec)
    let created = try await create(schedule, key, in: stores.schedules)
    return .created(ScheduleView(schedule: created), at: location("backup-schedules", created.metadata))
  }

  /// What a schedule is of, as its body names it.
  private struct ScheduledTarget {
    var target: BackupTarget
    var name: String
    var namespace: String?

    init(_ target: BackupTarget, _ metadata: ObjectMeta) {
      (self.target, name, namespace) = (target, metadata.name ?? "", metadata.namespace)
    }
  }

  private func scheduled(
    _ fields: ScheduleFields.Creation, _ call: Call, namespace named: String?
  ) async throws -> ScheduledTarget {
    if let id = fields.application {
      let application = try await application(field: "application_id", id, call, namespace: named)
      return ScheduledTarget(application.target, application.metadata)
    }
    if let id = fields.bucket {
      let bucket = try await find(stores.buckets, field: "bucket_id", id, call, namespace: named)
      return ScheduledTarget(bucket.target, bucket.metadata)
    }
    let database = try await find(
      stores.databases, field: "database_id", fields.database ?? "", call, namespace: named)
    return ScheduledTarget(BackupTarget(database: database.metadata.name ?? ""), database.metadata)
  }

  func updateSchedule(_ call: Call) async throws -> Answer {
    let schedule = try await schedule(call, to: .patch)
    var body = try BodyReader(try await call.body())
    var change = try ScheduleFields.Change(&body, of: schedule)
    if let id = change.destination {
      let destination = try await find(
        stores.destinations, field: "destination_id", id, call, namespace: schedule.metadata.namespace)
      change.use(destination: try name(of: destination, sharedWith: schedule, field: "destination_id"))
    }
    try check(change.spec)
    let changed = try await patch(schedule, change.patch, version: try call.expectedVersion(), in: stores.schedules)
    return .data(ScheduleView(schedule: changed))
  }

  /// Deletes the schedule; its backups stay.
  func deleteSchedule(_ call: Call) async throws -> Answer {
    let schedule = try await schedule(call, to: .delete)
    try await delete(schedule, version: try call.expectedVersion(), in: stores.schedules)
    return .noContent
  }

  /// A Backup as the schedule makes them, now.
  func runSchedule(_ call: Call) async throws -> Answer {
    let schedule = try await schedule(call, to: .get)
    let namespace = schedule.metadata.namespace
    try await authorizer.require(Permission(.create, Backup.self, in: namespace), by: call.caller)
    let bytes = try await call.body()
    try BodyReader(bytes).finish()
    let key = try IdempotencyKey(call, scope: "POST run \(schedule.metadata.uid ?? "")", body: bytes)
    let name = schedule.metadata.name ?? ""
    let backup = Backup(
      metadata: ObjectMeta(
        name: MadeName.make(name, key), namespace: namespace,
        labels: [TidemarkLabel.schedule: schedule.labelValue, TidemarkLabel.origin: BackupOrigin.schedule]),
      spec: schedule.spec.backupSpec)
    return accepted(try await create(backup, key, in: stores.backups))
  }

  private func schedule(_ call: Call, to verb: Permission.Verb) async throws -> BackupSchedule {
    let found = try await find(stores.schedules, call, namespace: try call.onlyNamespace(), to: verb)
    guard !found.metadata.isDeleting else { throw Self.missing(BackupSchedule.self, call.id) }
    return found
  }

  private func check(_ spec: BackupScheduleSpec) throws {
    let problems = spec.problems()
    guard problems.isEmpty else { throw FacadeError.problems(problems, names: ScheduleFields.names) }
  }

  /// Throws a 409 where this key has made a schedule of another body already, which may have another name.
  private func refuseReuse(of key: IdempotencyKey?, in namespace: String?) async throws {
    guard let key else { return }
    let made = try await client.list(
      BackupSchedule.self, namespace: namespace,
      options: .init(labelSelector: "\(IdempotencyKey.label)=\(key.digest)", limit: 1))
    guard made.items.allSatisfy({ key.body(of: $0.metadata) == key.body }) else { throw IdempotencyKey.otherBody }
  }
}
