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
    guard let databaseID = fields.database else {
      let field = fields.application == nil ? "bucket_id" : "application_id"
      throw FacadeError(
        .notFound, "\(field): schedules of volumes and buckets are not served by this version",
        fields: [field: "is not served by this version"])
    }
    let database = try await find(stores.databases, field: "database_id", databaseID, call, namespace: named)
    let namespace = database.metadata.namespace
    try await authorizer.require(Permission(.create, BackupSchedule.self, in: namespace), by: call.caller)
    var spec = fields.spec
    spec.target = BackupTarget(database: database.metadata.name ?? "")
    spec.destinationName = try await destination(fields.destination, of: database, call)
    try check(spec)
    let key = try IdempotencyKey(call, scope: "POST schedules", body: bytes)
    try await refuseReuse(of: key, in: namespace)
    let name = fields.name ?? MadeName.make(database.metadata.name ?? "", key)
    let schedule = BackupSchedule(metadata: ObjectMeta(name: name, namespace: namespace), spec: spec)
    let created = try await create(schedule, key, in: stores.schedules)
    return .created(ScheduleView(schedule: created), at: location("backup-schedules", created.metadata))
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
        labels: [TidemarkLabel.schedule: name, TidemarkLabel.origin: "Schedule"]),
      spec: schedule.spec.backupSpec)
    return accepted(try await create(backup, key, in: stores.backups))
  }

  private func schedule(_ call: Call, to verb: Permission.Verb) async throws -> BackupSchedule {
    let found = try await find(stores.schedules, call, namespace: try call.onlyNamespace(), to: verb)
    guard !found.metadata.isDeleting else { throw Self.missing(BackupSchedule.self, call.id) }
    return found
  }

  private func check(_ spec: BackupScheduleSpec) throws {
    let problems = spec.backupSpec.problems()
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

extension BackupScheduleSpec {
  /// The spec of the Backups that it makes.
  fileprivate var backupSpec: BackupSpec {
    var spec = BackupSpec(target: target, destinationName: destinationName, deletionPolicy: deletionPolicy)
    spec.method = method
    return spec
  }
}
