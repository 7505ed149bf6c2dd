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
    guard let cached = environment.stores.restores[key], let restore = try await environment.newest(cached) else {
      return .done
    }
    if ImportReconciler.handles(restore, backup: namedBackup(of: restore)) {
      return try await ImportReconciler(environment).reconcile(restore)
    }
    if FilesRestoreReconciler.handles(restore, backup: namedBackup(of: restore)) {
      return try await FilesRestoreReconciler(environment).reconcile(restore)
    }
    let plan: RestorePlan
    let before = restore.status?.ownedByController
    var said = before
    do {
      let seen = try await observe(restore)
      plan = RestorePlan.make(seen)
      let switching = SwitchEffects(environment: environment, restore: restore, database: seen.database)
      for action in plan.first { try await perform(action, for: seen) }
      for action in plan.switchFirst { try await switching.perform(action) }
      if plan.status != before ?? RestoreRequestStatus() {
        _ = try await environment.statuses.apply(plan.status, to: restore)
      }
      for action in plan.then {
        // What could not be started has not begun.
        said = action == .startRun ? before : plan.status
        try await perform(action, for: seen)
      }
      said = plan.status
      for action in plan.switchThen { try await switching.perform(action) }
    } catch {
      guard let health = Health(passing: error) else { throw error }
      return try await environment.wait(health, for: restore, saying: said)
    }
    environment.events.record(plan.events, about: restore)
    return plan.next
  }

  // MARK: Observing

  private func observe(_ restore: RestoreRequest) async throws -> RestoreObservation {
    let stores = environment.stores
    let namespace = restore.metadata.namespace
    func key(_ name: String) -> ObjectKey { ObjectKey(namespace: namespace, name: name) }
    let backup = namedBackup(of: restore)
    let database = try await database(restore.databaseName(backup).map(key), of: restore)
    let source = restore.foreignSource(backup).flatMap { stores.databases[key($0)] }
    let destination =
      restore.source.backupName == nil
      ? (restore.foreignSource(backup) == nil ? database : source)?.spec.pitr?.destinationName
      : backup?.subject.destinationName
    var seen = RestoreObservation(
      restore: restore, database: database, source: source, backup: backup,
      destination: destination.flatMap { stores.destinations[key($0)] },
      run: try await environment.state(of: restore.runID), instance: .starting,
      switchOver: try await switchOver(of: restore, database), now: .now)
    try await lookAtInstance(&seen)
    return seen
  }

  private func namedBackup(of restore: RestoreRequest) -> Backup? {
    restore.source.backupName.flatMap { name in
      environment.stores.backups[ObjectKey(namespace: restore.metadata.namespace, name: name)]
    }
  }

  private func database(_ key: ObjectKey?, of restore: RestoreRequest) async throws -> Database? {
    guard let key else { return nil }
    guard restore.status?.phase?.isRestored == true else { return environment.stores.databases[key] }
    return try await environment.client.find(Database.self, key)
  }

  private func lookAtInstance(_ seen: inout RestoreObservation) async throws {
    // Before its recovery it is only filled, and after its first switch it is the switch's affair.
    let (restore, phase) = (seen.restore, seen.restore.status?.phase)
    guard !restore.metadata.isDeleting, let database = seen.database, phase == .recovering || phase == .readyToSwitch,
      restore.status?.completedAt == nil
    else {
      if phase == .failed { seen.instance = .stopped }
      return
    }
    let role = try await ServerAccess.read(database, by: environment.secrets).role
    let known = try await phase == .recovering ? roleOfSource(seen) ?? role : role
    seen.instance = try await environment.host.state(of: restore.instanceID, as: known)
    guard phase == .recovering, case .running = seen.instance else { return }
    seen.lack = try await environment.host.fence(of: restore.instanceID, as: known).lack(for: role)
  }

  /// The role of the Database whose data are restored, which the restored server knows; nil where it is the same one, or
  /// is gone.
  private func roleOfSource(_ seen: RestoreObservation) async throws -> InstanceRole? {
    guard let source = seen.source else { return nil }
    do {
      return try await ServerAccess.read(source, by: environment.secrets).role
    } catch is MissingSecret {
      return nil
    }
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
    let restore = seen.restore
    guard let database = seen.database, let destination = seen.destination,
      let source = restore.sourceName(seen.backup)
    else { throw VanishedResource() }
    let place = DatabasePlace(namespace: restore.metadata.namespace ?? "", name: source)
    return try await effects(restore).request(
      RestoringEffects.Wish(
        kind: .restore, metadata: restore.metadata, moment: restore.source.pointInTime?.moment ?? PointInTime(),
        snapshot: seen.backup?.status?.snapshot, template: database.template(restore.spec.instance),
        database: database.metadata.name ?? ""),
      from: .init(place: place, incarnation: seen.origin?.liveIncarnation), destination)
  }

  /// Ends the recovery, and keeps the log from here on: the archive goes on with it when clients are moved.
  private func adopt(_ instance: RunningInstance, for seen: RestoreObservation) async throws {
    guard let database = seen.database else { throw VanishedResource() }
    var place = database.liveInstance
    (place.name, place.endpoint) = (seen.restore.instanceID.name, instance.endpoint)
    let access = try await ServerAccess.read(database, at: place, by: environment.secrets)
    try await environment.host.finishRecovery(seen.restore.instanceID, role: access.role)
    guard database.archives, let slot = database.spec.pitr?.effectiveSlotName else { return }
    try await ReplicationSlot(slot, at: access.input, secrets: access.secrets).reserve()
  }
}

extension RestoreRequest {
  var runID: StepID { StepID(namespace: metadata.namespace ?? "", name: "restore-\(metadata.uid ?? "")") }

  /// The instance is named after the request's uid: another request of the same name never finds its data.
  var instanceID: InstanceID { InstanceID(namespace: metadata.namespace ?? "", name: "restore-\(metadata.uid ?? "")") }

  /// The instance that was restored, as the Database's live one would be described; `source` is the Database whose data
  /// it has, where that is another one.
  func restoredInstance(
    _ product: RestoredDatabaseProduct, _ running: RunningInstance, of source: String?
  ) -> DatabaseInstance {
    let origin = CloneOrigin(
      database: source.map { "\(metadata.namespace ?? "")/\($0)" }, incarnation: product.incarnation,
      timeline: product.timeline,
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
