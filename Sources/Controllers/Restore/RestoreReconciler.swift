import KubeClient
public import KubeModel
public import KubeRuntime
import Steps
import TidemarkAPI

/// Brings RestoreRequests to completion: a restored instance beside the live one, then the switch, and back again as
/// often as it is asked for.
public struct RestoreReconciler: Reconciler {
  private let environment: ControllerEnvironment

  /// A reconciler in this environment.
  public init(_ environment: ControllerEnvironment) { self.environment = environment }

  public func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    guard let cached = environment.stores.restores[key], let restore = try await newest(cached) else { return .done }
    if ImportReconciler.handles(restore, backup: namedBackup(of: restore)) {
      return try await ImportReconciler(environment).reconcile(key)
    }
    if FilesRestoreReconciler.handles(restore, backup: namedBackup(of: restore)) {
      return try await FilesRestoreReconciler(environment).reconcile(key)
    }
    let plan: RestorePlan
    do {
      let seen = try await observe(restore)
      plan = RestorePlan.make(seen)
      let switching = SwitchEffects(environment: environment, restore: restore, database: seen.database)
      for action in plan.first { try await perform(action, for: seen) }
      for action in plan.switchFirst { try await switching.perform(action) }
      if plan.status != restore.status?.ownedByController ?? RestoreRequestStatus() {
        _ = try await environment.statuses.apply(plan.status, to: restore)
      }
      for action in plan.then { try await perform(action, for: seen) }
      for action in plan.switchThen { try await switching.perform(action) }
    } catch {
      guard let health = Health(passing: error) else { throw error }
      return try await effects(restore).wait(health, for: restore, restore.status?.ownedByController)
    }
    environment.events.record(plan.events, about: restore)
    return plan.next
  }

  /// The request as it is now, once clients are concerned: a switch does not go by what a cache remembers.
  private func newest(_ cached: RestoreRequest) async throws -> RestoreRequest? {
    guard cached.status?.phase?.isRestored == true else { return cached }
    let fresh = try await environment.client.find(RestoreRequest.self, cached.key)
    return fresh?.metadata.uid == cached.metadata.uid ? fresh : nil
  }

  // MARK: Observing

  private func observe(_ restore: RestoreRequest) async throws -> RestoreObservation {
    let stores = environment.stores
    let namespace = restore.metadata.namespace
    func key(_ name: String) -> ObjectKey { ObjectKey(namespace: namespace, name: name) }
    let backup = namedBackup(of: restore)
    let database = try await database(restore.databaseName(backup).map(key), of: restore)
    let destination =
      restore.spec.source.backupName == nil ? database?.spec.pitr?.destinationName : backup?.subject.destinationName
    return RestoreObservation(
      restore: restore, database: database, backup: backup,
      destination: destination.flatMap { stores.destinations[key($0)] },
      run: try await environment.runner.state(of: restore.runID),
      instance: try await instance(of: restore, database),
      switchOver: try await switchOver(of: restore, database), now: .now)
  }

  private func namedBackup(of restore: RestoreRequest) -> Backup? {
    restore.spec.source.backupName.flatMap { name in
      environment.stores.backups[ObjectKey(namespace: restore.metadata.namespace, name: name)]
    }
  }

  private func database(_ key: ObjectKey?, of restore: RestoreRequest) async throws -> Database? {
    guard let key else { return nil }
    guard restore.status?.phase?.isRestored == true else { return environment.stores.databases[key] }
    return try await environment.client.find(Database.self, key)
  }

  private func instance(of restore: RestoreRequest, _ database: Database?) async throws -> InstanceState {
    // Before its recovery it is only filled, and after its first switch it is the switch's affair.
    let phase = restore.status?.phase
    guard !restore.metadata.isDeleting, let database, phase == .recovering || phase == .readyToSwitch,
      restore.status?.completedAt == nil
    else { return phase == .failed ? .stopped : .starting }
    let role = try await ServerAccess.read(database, by: environment.secrets).role
    return try await environment.host.state(of: restore.instanceID, as: role)
  }

  private func switchOver(of restore: RestoreRequest, _ database: Database?) async throws -> SwitchObservation? {
    guard restore.status?.phase?.isRestored == true else { return nil }
    return try await SwitchEffects(environment: environment, restore: restore, database: database).observe()
  }

  // MARK: Acting

  private func effects(_ restore: RestoreRequest) -> RestoringEffects {
    RestoringEffects(environment: environment, run: restore.runID, instance: restore.instanceID)
  }

  private func perform(_ action: RestoreAction, for seen: RestoreObservation) async throws {
    try await effects(seen.restore).perform(action, for: seen.restore) {
      try await request(for: seen)
    } adopt: { _, instance in
      try await adopt(instance, for: seen)
    }
  }

  private func request(for seen: RestoreObservation) async throws -> StepRequest {
    guard let database = seen.database, let destination = seen.destination else { throw VanishedResource() }
    let restore = seen.restore
    return try await effects(restore).request(
      RestoringEffects.Wish(
        kind: .restore, metadata: restore.metadata, moment: restore.spec.source.pointInTime?.moment ?? PointInTime(),
        snapshot: seen.backup?.status?.snapshot, template: restore.spec.instance,
        database: database.metadata.name ?? ""), from: database, destination)
  }

  /// Ends the recovery, and keeps the log from here on: the archive goes on with it when clients are moved.
  private func adopt(_ instance: RunningInstance, for seen: RestoreObservation) async throws {
    guard let database = seen.database else { throw VanishedResource() }
    var place = database.liveInstance
    (place.name, place.endpoint) = (seen.restore.instanceID.name, instance.endpoint)
    let access = try await ServerAccess.read(database, at: place, by: environment.secrets)
    try await environment.host.finishRecovery(seen.restore.instanceID, role: access.role)
    guard database.archives, let slot = database.spec.pitr?.effectiveSlotName else { return }
    try await SlotReservation(server: access.input, secrets: access.secrets).run(slot: slot)
  }
}

extension RestoreRequest {
  var runID: StepID { StepID(namespace: metadata.namespace ?? "", name: "restore-\(metadata.uid ?? "")") }

  /// The instance is named after the request's uid: another request of the same name never finds its data.
  var instanceID: InstanceID { InstanceID(namespace: metadata.namespace ?? "", name: "restore-\(metadata.uid ?? "")") }

  /// The instance that was restored, as the Database's live one would be described.
  func restoredInstance(_ product: RestoredDatabaseProduct, _ running: RunningInstance) -> DatabaseInstance {
    let origin = CloneOrigin(
      database: nil, incarnation: product.incarnation, timeline: product.timeline,
      forkLSN: running.recoveredTo.lsn ?? "0/0")
    return DatabaseInstance(
      name: instanceID.name, serverMajor: product.serverMajor, endpoint: running.endpoint,
      incarnation: instanceID.name, origin: origin.text)
  }
}

extension CloneOrigin {
  /// As it stands in an annotation.
  var text: String? { (try? StepRequest.encode(self)).map { String(decoding: $0, as: UTF8.self) } }
}
