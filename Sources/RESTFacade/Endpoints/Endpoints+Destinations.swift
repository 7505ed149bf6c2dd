import KubeClient
import KubeModel
import KubeRuntime
import TidemarkAPI

/// `/settings/backup-destinations`
extension Endpoints {
  func listDestinations(_ call: Call) async throws -> Answer {
    .list(try await page(stores.destinations, call).map { DestinationView(destination: $0) })
  }

  func getDestination(_ call: Call) async throws -> Answer {
    .data(DestinationView(destination: try await destination(call, to: .get)))
  }

  /// Creates the destination and the Secret with its keys. The Secret comes first, and is given to the destination
  /// after: a destination is never without its keys, and they go with it.
  func createDestination(_ call: Call) async throws -> Answer {
    var query = try call.query()
    let (validates, named) = (query.bool("validate") ?? false, query.text("namespace", .name))
    try query.finish()
    let namespace = try namespace(named, call)
    try await authorizer.require(Permission(.create, BackupDestination.self, in: namespace), by: call.caller)
    try await authorizer.require(Permission(.create, Secret.self, in: namespace), by: call.caller)
    let bytes = try await call.body()
    var body = try BodyReader(bytes)
    let fields = try DestinationFields.Creation(&body)
    let key = try IdempotencyKey(call, scope: "POST destinations \(namespace)", body: bytes)

    var destination = BackupDestination(
      metadata: ObjectMeta(
        name: fields.name, namespace: namespace,
        annotations: [MaskedKey.annotation: MaskedKey.mask(fields.accessKey)]),
      spec: fields.spec)
    let secretName = MadeName.make(key == nil ? fields.name : "destination", key)
    destination.spec.credentials = DestinationCredentials(secretName: secretName)
    let problems = destination.spec.problems()
    guard problems.isEmpty else { throw FacadeError.problems(problems, names: DestinationFields.names) }
    if validates {
      try await validate(
        destination.spec, accessKey: fields.accessKey, secretKey: fields.secretKey, in: namespace)
    }
    let created = try await create(destination, key, accessKey: fields.accessKey, secretKey: fields.secretKey)
    return .created(
      DestinationView(destination: created), at: location("settings/backup-destinations", created.metadata))
  }

  func updateDestination(_ call: Call) async throws -> Answer {
    var query = try call.query()
    let (validates, named) = (query.bool("validate") ?? false, query.text("namespace", .name))
    try query.finish()
    let destination = try await destination(call, namespace: named, to: .patch)
    var body = try BodyReader(try await call.body())
    let change = try DestinationFields.Change(&body, of: destination)
    let problems = change.spec.problems()
    guard problems.isEmpty else { throw FacadeError.problems(problems, names: DestinationFields.names) }
    let namespace = destination.metadata.namespace ?? ""
    if change.changesKeys {
      try await authorizer.require(
        Permission(.patch, Secret.self, in: namespace, name: destination.spec.credentials.secretName), by: call.caller)
    }
    if validates {
      let present = try await secrets(of: destination)
      try await validate(
        change.spec, accessKey: change.accessKey ?? present.accessKeyID,
        secretKey: change.secretKey ?? present.secretAccessKey, in: namespace)
    }
    // The destination first: where its version is not the expected one, the keys stay too.
    let changed = try await patch(
      destination, change.patch, version: try call.expectedVersion(), in: stores.destinations)
    try await changeKeys(of: destination, change)
    return .data(DestinationView(destination: changed))
  }

  func deleteDestination(_ call: Call) async throws -> Answer {
    let destination = try await destination(call, namespace: try call.onlyNamespace(), to: .delete)
    let referrers = referrers(of: destination)
    guard referrers.isEmpty else {
      let some = referrers.prefix(5).joined(separator: ", ")
      let more = referrers.count > 5 ? " and \(referrers.count - 5) more" : ""
      throw FacadeError(
        .conflict, "it is in use by \(some)\(more); delete these, or let them refer to another destination first")
    }
    try await delete(destination, version: try call.expectedVersion(), in: stores.destinations)
    return .noContent
  }

  func validateDestination(_ call: Call) async throws -> Answer {
    let destination = try await destination(call, namespace: try call.onlyNamespace(), to: .update)
    try BodyReader(try await call.body()).finish()
    // A try changes nothing that lasts, so that a repeated one needs no key; an unfit key is refused all the same.
    _ = try call.idempotencyKey()
    let verdict = try await verdict(destination.spec, try await secrets(of: destination))
    return .data(VerdictView(verdict: verdict))
  }

  private func destination(
    _ call: Call, namespace: String? = nil, to verb: Permission.Verb
  ) async throws -> BackupDestination {
    let named = verb == .get ? try call.onlyNamespace() : namespace
    let found = try await find(stores.destinations, call, namespace: named, to: verb)
    guard !found.metadata.isDeleting else { throw Self.missing(BackupDestination.self, call.id) }
    return found
  }

  /// What refers to a destination, as `Kind namespace/name`.
  private func referrers(of destination: BackupDestination) -> [String] {
    let (name, namespace) = (destination.metadata.name, destination.metadata.namespace)
    func users<R: KubeResource>(_ objects: [R], _ uses: (R) -> Bool) -> [String] {
      objects.filter(uses).map { "\(R.resource.kind) \($0.metadata.name ?? "")" }.sorted()
    }
    return users(stores.databases.objects(in: namespace)) { $0.spec.pitr?.destinationName == name }
      + users(stores.schedules.objects(in: namespace)) { $0.spec.destinationName == name }
      + users(stores.backups.objects(in: namespace)) { $0.spec.destinationName == name }
  }

  /// The path of a resource in this API.
  func location(_ collection: String, _ metadata: ObjectMeta) -> String {
    "\(Router.base)/\(collection)/\(metadata.uid ?? "")"
  }
}
