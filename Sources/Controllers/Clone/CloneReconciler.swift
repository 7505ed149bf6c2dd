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
    guard let cached = environment.stores.clones[key], let clone = try await environment.newest(cached) else {
      return .done
    }
    let plan: ClonePlan
    let before = clone.status?.ownedByController
    var said = before
    do {
      let seen = try await observe(clone)
      plan = ClonePlan.make(seen)
      for action in plan.first { try await perform(action, for: seen) }
      if plan.status != before ?? PITRCloneStatus() {
        _ = try await environment.statuses.apply(plan.status, to: clone)
      }
      for action in plan.then {
        // What could not be started has not begun.
        said = action == .startRun ? before : plan.status
        try await perform(action, for: seen)
      }
    } catch {
      guard let health = Health(passing: error) else { throw error }
      return try await environment.wait(health, for: clone, saying: said)
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
      run: try await environment.state(of: clone.runID),
      instance: try await instance(of: clone, source), now: .now)
  }

  private func instance(of clone: PITRClone, _ source: Database?) async throws -> InstanceState {
    // Before and after its recovery nobody asks how it is: it is started, or cleared away, whatever its state.
    guard !clone.metadata.isDeleting, clone.status?.phase == .recovering, let source else { return .stopped }
    let role = try await ServerAccess.read(source, by: environment.secrets).role
    return try await environment.host.state(of: clone.instanceID, as: role)
  }

  private func perform(_ action: RestoreAction, for seen: CloneObservation) async throws {
    try await effects(seen.clone).perform(action, for: seen.clone) {
      try await request(for: seen)
    } adopt: { product, instance in
      try await adopt(product, instance, for: seen)
    }
  }

  private func effects(_ clone: PITRClone) -> RestoringEffects {
    RestoringEffects(environment: environment, run: clone.runID, instance: clone.instanceID)
  }

  private func request(for seen: CloneObservation) async throws -> StepRequest {
    guard let source = seen.source, let destination = seen.destination else { throw VanishedResource() }
    return try await effects(seen.clone).request(
      RestoringEffects.Wish(
        kind: .clone, metadata: seen.clone.metadata, moment: seen.clone.spec.pointInTime,
        template: source.template(seen.clone.spec.instance), database: seen.clone.spec.newName),
      from: .init(place: source.place, incarnation: source.liveIncarnation), destination)
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
    _ = try await environment.client.apply(
      Secret.connection(of: database, role), fieldManager: TidemarkGroup.controllerFieldManager, conflicts: .force)
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
