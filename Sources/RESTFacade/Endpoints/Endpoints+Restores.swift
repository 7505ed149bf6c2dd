import KubeModel
import KubeRuntime
import NIOCore
import TidemarkAPI

/// What becomes a RestoreRequest or a PITRClone.
extension Endpoints {
  /// `POST /databases/:id/restore`
  func restore(_ call: Call) async throws -> Answer {
    let (database, bytes) = try await databaseToRestore(call)
    var body = try BodyReader(bytes)
    let backupID = body.requiredText("backup_id", .id)
    let options = RestoreOptions(&body)
    try body.finish()
    let backup = try await find(
      stores.backups, field: "backup_id", backupID ?? "", call, namespace: database.metadata.namespace)
    var source = RestoreSource()
    source.backupName = try name(of: try restorable(backup), sharedWith: database, field: "backup_id")
    return try await restore(source, to: database, options, call, "restore", bytes)
  }

  /// `POST /databases/:id/pitr`
  func recover(_ call: Call) async throws -> Answer {
    let (database, bytes) = try await databaseToRestore(call)
    var body = try BodyReader(bytes)
    let moment = body.moment()
    let options = RestoreOptions(&body)
    try body.finish()
    try check(moment, of: database)
    var source = RestoreSource()
    source.pointInTime = DatabaseMoment(database: database.metadata.name ?? "", moment: moment)
    return try await restore(source, to: database, options, call, "pitr", bytes)
  }

  /// `POST /databases/:id/pitr-clone`
  func clone(_ call: Call) async throws -> Answer {
    let named = try call.onlyNamespace()
    let database = try await find(stores.databases, call, namespace: named, to: .get)
    let namespace = database.metadata.namespace
    try await authorizer.require(Permission(.create, PITRClone.self, in: namespace), by: call.caller)
    let bytes = try await call.body()
    var body = try BodyReader(bytes)
    let moment = body.moment()
    let newName = body.requiredText("new_name", .name) ?? ""
    try body.finish()
    try check(moment, of: database)
    let spec = PITRCloneSpec(database: database.metadata.name ?? "", pointInTime: moment, newName: newName)
    let problems = spec.problems()
    guard problems.isEmpty else { throw FacadeError.problems(problems, names: ["newName": "new_name"]) }
    let key = try IdempotencyKey(call, scope: "POST pitr-clone \(database.metadata.uid ?? "")", body: bytes)
    let name = MadeName.make(newName, key)
    // The same call made again finds its own clone, whose Database has the name by then.
    if stores.databases[ObjectKey(namespace: namespace, name: newName)] != nil,
      key == nil || stores.clones[ObjectKey(namespace: namespace, name: name)] == nil
    {
      throw FacadeError(
        .conflict, "a Database '\(newName)' exists already; choose another new_name",
        fields: ["new_name": "is taken"])
    }
    let clone = PITRClone(metadata: ObjectMeta(name: name, namespace: namespace), spec: spec)
    let created = try await create(clone, key, in: stores.clones, nameField: "new_name")
    return .accepted(CloneView(clone: created), at: location("restores", created.metadata))
  }

  /// `POST /databases/:id/restore-from-path`
  func restoreFromPath(_ call: Call) async throws -> Answer {
    let (database, bytes) = try await databaseToRestore(call)
    var body = try BodyReader(bytes)
    let destinationID = body.requiredText("destination_id", .id)
    let key = body.requiredText("path", .path)
    var path = RestorePath(destinationName: "", key: key ?? "", format: body.word("format", DumpFormat.self))
    path.snapshot = body.text("snapshot", .snapshot)
    path.repository = body.text("repository", .path)
    if path.repository != nil, path.snapshot == nil, !body.names("snapshot") {
      body.refuse("repository", "goes with snapshot only; give both or none")
    }
    let databaseName = body.text("database_name", .databaseName)
    try body.finish()
    path.destinationName = try await destination(destinationID, of: database, call)
    var source = RestoreSource()
    source.path = path
    let options = RestoreOptions(databaseName: databaseName)
    return try await restore(source, to: database, options, call, "restore-from-path", bytes)
  }

  /// `POST /backups/database/:id/restore`
  func restoreBackup(_ call: Call) async throws -> Answer {
    let named = try call.onlyNamespace()
    let backup = try await find(stores.backups, call, namespace: named, to: .get)
    let namespace = backup.metadata.namespace
    try await authorizer.require(Permission(.create, RestoreRequest.self, in: namespace), by: call.caller)
    let bytes = try await call.body()
    var body = try BodyReader(bytes)
    let databaseID = body.text("database_id", .id)
    let options = RestoreOptions(&body)
    try body.finish()
    guard let own = backup.spec.target.database else {
      throw FacadeError(.notFound, "'\(call.id)' is no backup of a database")
    }
    let database = try await find(
      stores.databases, field: "database_id", databaseID ?? "\(namespace ?? "")/\(own)", call, namespace: namespace)
    var source = RestoreSource()
    source.backupName = try name(of: try restorable(backup), sharedWith: database, field: "database_id")
    return try await restore(source, to: database, options, call, "restore-backup", bytes)
  }

  /// `GET /restores/:id`
  func getRestore(_ call: Call) async throws -> Answer {
    let named = try call.onlyNamespace()
    let id = try call.resourceID()
    if case .uid(let uid) = id, stores.clones.object(uid: uid) != nil {
      return .data(CloneView(clone: try await find(stores.clones, call, namespace: named, to: .get)))
    }
    if let request = try await search(stores.restores, id, call, namespace: named, to: .get) {
      return .data(RestoreView(request: request))
    }
    if let clone = try await search(stores.clones, id, call, namespace: named, to: .get) {
      return .data(CloneView(clone: clone))
    }
    throw FacadeError(.notFound, "there is no restore or clone '\(call.id.prefix(320))'")
  }

  // MARK: What they share

  /// The path's database, for a caller who may restore in its namespace, and the body.
  func databaseToRestore(_ call: Call) async throws -> (Database, ByteBuffer) {
    let database = try await find(stores.databases, call, namespace: try call.onlyNamespace(), to: .get)
    try await authorizer.require(
      Permission(.create, RestoreRequest.self, in: database.metadata.namespace), by: call.caller)
    return (database, try await call.body())
  }

  private func restore(
    _ source: RestoreSource, to database: Database, _ options: RestoreOptions, _ call: Call, _ scope: String,
    _ bytes: ByteBuffer
  ) async throws -> Answer {
    let name = database.metadata.name ?? ""
    let key = try IdempotencyKey(call, scope: "POST \(scope) \(database.metadata.uid ?? "")", body: bytes)
    var spec = RestoreRequestSpec(source: source, target: BackupTarget(database: name))
    options.apply(to: &spec)
    let problems = spec.problems()
    guard problems.isEmpty else { throw FacadeError.problems(problems, names: RestoreOptions.names) }
    let request = RestoreRequest(
      metadata: ObjectMeta(name: MadeName.make(name, key), namespace: database.metadata.namespace), spec: spec)
    return accepted(try await create(request, key, in: stores.restores))
  }

  func accepted(_ request: RestoreRequest) -> Answer {
    .accepted(RestoreView(request: request), at: location("restores", request.metadata))
  }

  /// A backup that has completed; throws a 409 about any other.
  func restorable(_ backup: Backup) throws -> Backup {
    guard backup.status?.phase == .completed, !backup.metadata.isDeleting else {
      let phase = backup.metadata.isDeleting ? BackupPhase.deleting : backup.status?.phase ?? .pending
      throw FacadeError(.conflict, "the backup is \(phase.rawValue); only a Completed one can be restored")
    }
    return backup
  }

  /// Throws a 400 where the moment is a time that cannot be recovered.
  private func check(_ moment: PointInTime, of database: Database) throws {
    guard let time = moment.time, let refusal = database.refusal(of: time) else { return }
    throw FacadeError.field("target_time", refusal)
  }
}

/// How something is restored, of which a caller may say as little as nothing.
struct RestoreOptions {
  var strategy: RestoreStrategy?
  var switchOver: SwitchOver?
  var databaseName: String?

  static let names = [
    "databaseName": "database_name", "switchOver": "switch_over", "source.path.snapshot": "snapshot",
    "source.path.key": "path", "source.path.repository": "repository",
  ]

  init(databaseName: String?) { self.databaseName = databaseName }

  init(_ body: inout BodyReader) {
    strategy = body.word("strategy", RestoreStrategy.self)
    switchOver = body.word("switch_over", SwitchOver.self)
  }

  func apply(to spec: inout RestoreRequestSpec) {
    if let strategy { spec.strategy = strategy }
    if let switchOver { spec.switchOver = switchOver }
    spec.databaseName = databaseName
  }
}

extension BodyReader {
  /// The `target_time` of a recovery.
  mutating func moment() -> PointInTime {
    var moment = PointInTime()
    moment.time = requiredText("target_time", .time).flatMap { MicroTime($0) }
    return moment
  }
}
