import KubeModel
import KubeRuntime
import TidemarkAPI

/// Backups of databases, and single ones.
extension Endpoints {
  func listBackups(_ call: Call) async throws -> Answer {
    var query = try call.query()
    let (request, named) = (PageRequest(&query), query.text("namespace", .name))
    try query.finish()
    let database = try await find(stores.databases, call, namespace: named, to: .get)
    try await authorizer.require(Permission(.list, Backup.self, in: database.metadata.namespace), by: call.caller)
    let target = BackupTarget(database: database.metadata.name ?? "")
    return .list(
      stores.backupsOfTarget.page(request, of: target, in: database.metadata.namespace).map { BackupView(backup: $0) })
  }

  func createBackup(_ call: Call) async throws -> Answer {
    let named = try call.onlyNamespace()
    let database = try await find(stores.databases, call, namespace: named, to: .get)
    try await authorizer.require(Permission(.create, Backup.self, in: database.metadata.namespace), by: call.caller)
    let bytes = try await call.body()
    var body = try BodyReader(bytes)
    let destinationID = body.text("destination_id", .id)
    let method = body.text("method", TextRule("physical or logical") { $0 == "physical" || $0 == "logical" })
    let policy = body.word("deletion_policy", DeletionPolicy.self)
    let expiry = body.text("expires_after", .duration)
    try body.finish()

    let destination = try await destination(destinationID, of: database, call)
    var spec = BackupSpec(
      target: BackupTarget(database: database.metadata.name ?? ""), destinationName: destination,
      deletionPolicy: policy ?? .delete)
    spec.method = method.flatMap { BackupMethod(rawValue: $0) }
    spec.expiresAfter = expiry.flatMap { GoDuration($0) }
    let key = try IdempotencyKey(call, scope: "POST backups \(database.metadata.uid ?? "")", body: bytes)
    let backup = Backup(
      metadata: ObjectMeta(
        name: MadeName.make(database.metadata.name ?? "", key), namespace: database.metadata.namespace),
      spec: spec)
    return accepted(try await create(backup, key, in: stores.backups))
  }

  func getBackup(_ call: Call) async throws -> Answer {
    let backup = try await find(stores.backups, call, namespace: try call.onlyNamespace(), to: .get)
    return .data(BackupView(backup: backup))
  }

  func deleteBackup(_ call: Call) async throws -> Answer {
    let backup = try await find(stores.backups, call, namespace: try call.onlyNamespace(), to: .delete)
    try await delete(backup, version: try call.expectedVersion(), in: stores.backups)
    return .noContent
  }

  func accepted(_ backup: Backup) -> Answer {
    .accepted(BackupView(backup: backup), at: location("backups", backup.metadata))
  }

  /// The name of the destination that a body names, or else of the one that the database is archived to.
  func destination(_ id: String?, of database: Database, _ call: Call) async throws -> String {
    if let id {
      let found = try await find(
        stores.destinations, field: "destination_id", id, call, namespace: database.metadata.namespace)
      return try name(of: found, sharedWith: database, field: "destination_id")
    }
    guard let name = database.spec.pitr?.destinationName, !name.isEmpty else {
      throw FacadeError.field("destination_id", "is missing, and the database names no destination of its own")
    }
    return name
  }

  /// The name of a thing that a resource of the other's namespace is to refer to.
  func name<R: KubeResource, Other: KubeResource>(
    of object: R, sharedWith other: Other, field: String
  ) throws -> String {
    guard object.metadata.namespace == other.metadata.namespace else {
      throw FacadeError.field(
        field, "lies in another namespace than the \(Other.resource.kind); both must be in the same")
    }
    return object.metadata.name ?? ""
  }
}
