import KubeClient
import KubeModel
import KubeRuntime
import TidemarkAPI

/// Applications: workloads with volumes, and the backups of those.
extension Endpoints {
  /// Deployments, StatefulSets and DaemonSets, read now: nothing else of the facade needs them in a cache.
  func listApplications(_ call: Call) async throws -> Answer {
    var query = try call.query()
    let (request, named) = (PageRequest(&query), query.text("namespace", .name))
    try query.finish()
    let workloads =
      try await workloads(DeploymentApplication.self, named, call)
      + workloads(StatefulSetApplication.self, named, call) + workloads(DaemonSetApplication.self, named, call)
    return .list(Page(request, of: workloads).map { ApplicationView(workload: $0) })
  }

  /// `GET /applications/:id/volume-backups`
  func listVolumeBackups(_ call: Call) async throws -> Answer {
    var query = try call.query()
    let (request, named) = (PageRequest(&query), query.text("namespace", .name))
    try query.finish()
    let application = try await application(try call.resourceID(), call.id, call, namespace: named)
    try await authorizer.require(Permission(.list, Backup.self, in: application.metadata.namespace), by: call.caller)
    return .list(
      stores.backupsOfTarget.page(request, of: application.target, in: application.metadata.namespace)
        .map { BackupView(backup: $0) })
  }

  /// `POST /applications/:id/volume-backups`
  func createVolumeBackup(_ call: Call) async throws -> Answer {
    let named = try call.onlyNamespace()
    let application = try await application(try call.resourceID(), call.id, call, namespace: named)
    let namespace = application.metadata.namespace
    try await authorizer.require(Permission(.create, Backup.self, in: namespace), by: call.caller)
    let bytes = try await call.body()
    var body = try BodyReader(bytes)
    var fields = FilesBackupFields(&body)
    var volumes = VolumesSpec()
    volumes.claims = body.texts("claims", .name)
    volumes.include = body.texts("include", .pattern)
    volumes.exclude = body.texts("exclude", .pattern)
    volumes.ignoreChangeTime = body.bool("ignore_change_time")
    try body.finish()
    if volumes != VolumesSpec() { fields.volumes = volumes }
    let key = try IdempotencyKey(call, scope: "POST volume-backups \(application.metadata.uid ?? "")", body: bytes)
    return try await createFilesBackup(fields, of: application.target, application, key, call)
  }

  /// The application that a field of the body names; throws a 404 that names the field, or a 403.
  func application(field: String, _ text: String, _ call: Call, namespace: String?) async throws -> ApplicationIdentity
  {
    do {
      guard let id = ResourceID(text) else { throw Self.missingApplication(text) }
      return try await application(id, text, call, namespace: namespace)
    } catch let error as FacadeError where error.code == .notFound {
      throw FacadeError(.notFound, "\(field): \(error.message)", fields: [field: error.message])
    }
  }

  private func application(
    _ id: ResourceID, _ text: String, _ call: Call, namespace: String?
  ) async throws -> ApplicationIdentity {
    let found =
      try await find(DeploymentApplication.self, id, call, namespace)
      + find(StatefulSetApplication.self, id, call, namespace) + find(DaemonSetApplication.self, id, call, namespace)
    guard let first = found.first else { throw Self.missingApplication(text) }
    guard found.count == 1 else {
      throw FacadeError(
        .badRequest,
        "'\(text.prefix(320))' is a \(found.map(\.kind).joined(separator: " and a ")); name it by its id instead")
    }
    return first
  }

  private static func missingApplication(_ text: String) -> FacadeError {
    FacadeError(.notFound, "there is no Deployment, StatefulSet or DaemonSet '\(text.prefix(320))'")
  }

  /// The workload of one kind, if there is one; by its uid it is looked for among all that are served.
  private func find<R: KubeResource>(
    _ type: R.Type, _ id: ResourceID, _ call: Call, _ named: String?
  ) async throws -> [ApplicationIdentity] {
    let key: ObjectKey
    switch id {
    case .key(let whole): key = whole
    case .name(let name): key = ObjectKey(namespace: try namespace(named, call), name: name)
    case .uid(let uid):
      return try await workloads(type, named, call).filter { $0.metadata.uid == uid }
    }
    guard configuration.serves(key.namespace ?? "") else { return [] }
    try await authorizer.require(Permission(.get, type, in: key.namespace, name: key.name), by: call.caller)
    guard let object = try await client.find(type, key) else { return [] }
    return [ApplicationIdentity(kind: R.resource.kind, metadata: object.metadata)]
  }

  private func workloads<R: KubeResource>(
    _ type: R.Type, _ named: String?, _ call: Call
  ) async throws -> [ApplicationIdentity] {
    let namespaces = try await listed(R.self, named, call)
    var found: [R] = []
    if let namespaces {
      for namespace in namespaces.sorted() { found += try await client.listAll(R.self, namespace: namespace).items }
    } else {
      found = try await client.listAll(R.self).items
    }
    return found.map { ApplicationIdentity(kind: R.resource.kind, metadata: $0.metadata) }
  }
}

/// A workload of whichever kind, by its metadata.
struct ApplicationIdentity: KubeResource {
  static let resource = DeploymentApplication.resource
  let kind: String
  var metadata: ObjectMeta

  var target: BackupTarget {
    BackupTarget(application: WorkloadReference(kind: kind, name: metadata.name ?? ""))
  }
}

private struct ApplicationView: JSONView {
  let workload: ApplicationIdentity

  func write(to text: inout JSONText) {
    text.object { text in
      text.identity(workload.metadata)
      text.field("kind", workload.kind)
    }
  }
}
