import Foundation
import KubeClient
public import KubeModel
public import KubeRuntime
import Steps
import TidemarkAPI

/// Brings PITRClones to completion: preflight, restore, recovery, then a Database of its own.
public struct CloneReconciler: Reconciler {
  private let environment: ControllerEnvironment

  /// A reconciler in this environment.
  public init(_ environment: ControllerEnvironment) { self.environment = environment }

  public func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    guard let clone = environment.stores.clones[key], clone.metadata.uid != nil else { return .done }
    let plan: ClonePlan
    do {
      let seen = try await observe(clone)
      plan = ClonePlan.make(seen)
      for action in plan.first { try await perform(action, for: seen) }
      if plan.status != clone.status?.ownedByController ?? PITRCloneStatus() {
        _ = try await environment.statuses.apply(plan.status, to: clone)
      }
      for action in plan.then { try await perform(action, for: seen) }
    } catch let missing as MissingSecret {
      return try await wait(missing.health, for: clone)
    } catch let error as StepError {
      // The platform refused: a person may have to mend it, and it is tried again meanwhile.
      return try await wait(.progressing(reason: error.code.rawValue, message: error.message), for: clone)
    }
    environment.events.record(plan.events, about: clone)
    return plan.next
  }

  private func observe(_ clone: PITRClone) async throws -> CloneObservation {
    let stores = environment.stores
    let namespace = clone.metadata.namespace
    let source = stores.databases[ObjectKey(namespace: namespace, name: clone.spec.database)]
    return CloneObservation(
      clone: clone, source: source,
      destination: source?.spec.pitr.flatMap {
        stores.destinations[ObjectKey(namespace: namespace, name: $0.destinationName)]
      },
      namesake: stores.databases[ObjectKey(namespace: namespace, name: clone.spec.newName)],
      run: try await environment.runner.state(of: clone.runID),
      instance: try await instance(of: clone, source), now: .now)
  }

  private func instance(of clone: PITRClone, _ source: Database?) async throws -> InstanceState {
    // Before and after its recovery nobody asks how it is: it is started, or cleared away, whatever its state.
    guard !clone.metadata.isDeleting, clone.status?.phase == .recovering, let source else { return .stopped }
    let role = try await ServerAccess.read(source, by: environment.secrets).role
    return try await environment.host.state(of: clone.instanceID, as: role)
  }

  private func perform(_ action: ClonePlan.Action, for seen: CloneObservation) async throws {
    let (runner, host, clone) = (environment.runner, environment.host, seen.clone)
    switch action {
    case .addFinalizer: _ = try await environment.finalizer.add(to: clone)
    case .removeFinalizer: try await environment.finalizer.remove(from: clone)
    case .startRun:
      let request = try await request(for: seen)
      try await runner.discard(clone.runID)
      try await runner.start(request)
    case .stopRun: try await runner.stop(clone.runID)
    case .discardRun: try await runner.discard(clone.runID)
    case .startInstance(let major): try await host.start(clone.instanceID, serverMajor: major)
    case .removeInstance: try await host.remove(clone.instanceID)
    case .adopt(let product, let instance): try await adopt(product, instance, for: seen)
    }
  }

  private func wait(_ health: Health, for clone: PITRClone) async throws -> ReconcileResult {
    var status = clone.status?.ownedByController ?? PITRCloneStatus()
    var conditions = status.conditions ?? []
    let before = conditions[type: ConditionType.ready]
    conditions.report(health, generation: clone.metadata.generation, now: .now)
    status.phase = status.phase ?? .pending
    status.conditions = conditions
    _ = try await environment.statuses.apply(status, to: clone)
    if let now = conditions[type: ConditionType.ready], before?.message != now.message {
      environment.events.record(.warning, now.reason, now.message, about: clone)
    }
    return .requeue(after: .seconds(5))
  }

  private func request(for seen: CloneObservation) async throws -> StepRequest {
    guard let source = seen.source, let destination = seen.destination,
      let served = ServedResource(seen.clone.metadata)
    else { throw VanishedResource() }
    let store = try await DestinationAccess.read(destination, by: environment.secrets)
    let place = try await environment.host.reserve(seen.clone.instanceID)
    let template = (source.spec.instance ?? InstanceTemplate()).overridden(by: seen.clone.spec.instance)
    let input = RestoreDatabaseInput(
      clone: served, cluster: environment.cluster, store: store.input, database: source.place,
      pointInTime: seen.clone.spec.pointInTime, activeIncarnation: source.status?.activeIncarnation,
      dataDirectory: place.dataDirectory, recoveryDirectory: place.recoveryDirectory,
      restoreProgram: place.restoreProgram, parameters: template.parameters ?? [:])
    return StepRequest(
      id: seen.clone.runID, step: .restoreDatabase, input: try StepRequest.encode(input), secrets: store.secrets)
  }

  // MARK: The new Database

  private func adopt(
    _ product: RestoredDatabaseProduct, _ instance: RunningInstance, for seen: CloneObservation
  ) async throws {
    guard let source = seen.source else { throw VanishedResource() }
    let access = try await ServerAccess.read(source, by: environment.secrets)
    try await environment.host.finishRecovery(seen.clone.instanceID, role: access.role)
    let draft = try database(product, instance, seen.clone, source)
    // The Secret first, or the new Database would complain of its absence; then again, owned by the Database.
    try await applySecret(draft, access.role)
    let database = try await createOrFind(draft)
    try await applySecret(database, access.role)
    try await createFirstBackup(database)
  }

  private func database(
    _ product: RestoredDatabaseProduct, _ instance: RunningInstance, _ clone: PITRClone, _ source: Database
  ) throws -> Database {
    let origin = CloneOrigin(
      database: "\(source.metadata.namespace ?? "")/\(source.metadata.name ?? "")", incarnation: product.incarnation,
      timeline: product.timeline, forkLSN: instance.recoveredTo.lsn ?? "0/0")
    var connection = DatabaseConnection(
      host: instance.endpoint.host, port: instance.endpoint.port, secretName: "\(clone.spec.newName)-connection")
    connection.database = source.spec.connection.database
    var database = Database(
      metadata: ObjectMeta(
        name: clone.spec.newName, namespace: clone.metadata.namespace,
        labels: [TidemarkLabel.clone: clone.metadata.name ?? ""],
        annotations: [
          TidemarkAnnotation.instance: clone.instanceID.name,
          TidemarkAnnotation.serverMajor: "\(product.serverMajor)",
          TidemarkAnnotation.incarnation: clone.incarnation,
          TidemarkAnnotation.origin: String(decoding: try StepRequest.encode(origin), as: UTF8.self),
        ]),
      spec: DatabaseSpec(connection: connection, pitr: source.spec.pitr))
    database.spec.instance = source.spec.instance?.overridden(by: clone.spec.instance) ?? clone.spec.instance
    return database
  }

  private func applySecret(_ database: Database, _ role: InstanceRole) async throws {
    let connection = database.spec.connection
    let secret = Secret(
      metadata: ObjectMeta(
        name: connection.secretName, namespace: database.metadata.namespace,
        ownerReferences: [database.ownerReference()].compactMap { $0 }),
      type: "Opaque",
      strings: [
        connection.usernameField: role.username, connection.passwordField: role.password, "host": connection.host,
        "port": "\(connection.port)", "database": connection.database,
      ])
    _ = try await environment.client.apply(
      secret, fieldManager: TidemarkGroup.controllerFieldManager, conflicts: .force)
  }

  /// The clone's own recovery window begins with a base backup of its own.
  private func createFirstBackup(_ database: Database) async throws {
    guard let pitr = database.spec.pitr, pitr.enabled, let name = database.metadata.name else { return }
    _ = try await createOrFind(
      Backup(
        metadata: ObjectMeta(
          name: "\(name)-initial", namespace: database.metadata.namespace, labels: [TidemarkLabel.origin: "Clone"]),
        spec: BackupSpec(target: BackupTarget(database: name), destinationName: pitr.destinationName)))
  }

  /// Creates an object; one of that name that is there already is the one that an earlier try made.
  private func createOrFind<Resource: KubeResource>(_ object: Resource) async throws -> Resource {
    do {
      return try await environment.client.create(object, fieldManager: TidemarkGroup.controllerFieldManager)
    } catch let error as KubeError where error.isAlreadyExists {
      return try await environment.client.get(Resource.self, object.key)
    }
  }
}

extension PITRClone {
  var runID: StepID { StepID(namespace: metadata.namespace ?? "", name: "restore-\(metadata.uid ?? "")") }

  /// The instance is named after the clone's uid: another clone of the same name never finds its data.
  var instanceID: InstanceID { InstanceID(namespace: metadata.namespace ?? "", name: "clone-\(metadata.uid ?? "")") }

  /// The incarnation that the new Database archives to.
  var incarnation: String { "clone-\(metadata.uid ?? "")" }
}
