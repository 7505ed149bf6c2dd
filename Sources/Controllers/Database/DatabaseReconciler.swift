import Foundation
import KubeClient
public import KubeModel
public import KubeRuntime
import Steps
import TidemarkAPI

/// Keeps Databases reachable and their write-ahead log archived.
public struct DatabaseReconciler: Reconciler {
  private let environment: ControllerEnvironment

  /// A reconciler in this environment.
  public init(_ environment: ControllerEnvironment) { self.environment = environment }

  public func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    guard let database = environment.stores.databases[key], database.metadata.uid != nil else { return .done }
    let access = await access(to: database)
    var seen = try await observe(database, access)
    // Clients are told before the status says where they are: a switch waits for that word.
    seen.unpublished = try await publish(database, access)
    let plan = DatabasePlan.make(seen)
    if plan.status != database.status?.ownedByController ?? DatabaseStatus() {
      _ = try await environment.statuses.apply(plan.status, to: database)
    }
    do {
      for action in plan.actions { try await perform(action, for: database, access) }
    } catch {
      guard !database.metadata.isDeleting, let health = Health(passing: error) else { throw error }
      return try await hold(health, plan, for: database)
    }
    environment.events.record(plan.events, about: database)
    return plan.next
  }

  /// Says why what was planned could not be done, and has it tried again soon.
  private func hold(_ health: Health, _ plan: DatabasePlan, for database: Database) async throws -> ReconcileResult {
    var status = plan.status
    var conditions = status.conditions ?? []
    conditions.report(health, generation: database.metadata.generation, now: .now)
    status.conditions = conditions
    _ = try await environment.statuses.apply(status, to: database)
    let before = database.status?.conditions?[type: ConditionType.ready]?.message
    if let now = conditions[type: ConditionType.ready], now.message != before {
      environment.events.record(.warning, now.reason, now.message, about: database)
    }
    return .requeue(after: DatabasePlan.retryInterval)
  }

  /// What is needed to reach the server, and to archive it.
  private struct Access: Sendable {
    var server: Result<ServerAccess, MissingSecret>
    /// The receiver's request as the spec asks for now; nil where it can't run.
    var request: StepRequest?
  }

  private func access(to database: Database) async -> Access {
    do {
      let server = try await ServerAccess.read(database, by: environment.secrets)
      return Access(server: .success(server), request: try await receiverRequest(database, server))
    } catch let missing as MissingSecret {
      return Access(server: .failure(missing))
    } catch {
      return Access(server: .failure(MissingSecret(message: "the Secrets can't be read: \(error)")))
    }
  }

  private func observe(_ database: Database, _ access: Access) async throws -> DatabaseObservation {
    let stores = environment.stores
    let namespace = database.metadata.namespace
    return DatabaseObservation(
      database: database,
      destination: database.spec.pitr.flatMap {
        stores.destinations[ObjectKey(namespace: namespace, name: $0.destinationName)]
      },
      backups: stores.backups(of: database.key), server: await ask(database, access.server),
      receiver: try await receiver(of: database, access.request), instance: try await instance(of: database, access),
      now: .now)
  }

  private func publish(_ database: Database, _ access: Access) async throws -> [String] {
    guard !database.metadata.isDeleting, database.metadata.finalizers.contains(TidemarkGroup.finalizer),
      database.spec.problems().isEmpty, case .success(let server) = access.server
    else { return [] }
    return try await ConnectionPublisher(client: environment.client).publish(database, server.role)
  }

  private func ask(
    _ database: Database, _ server: Result<ServerAccess, MissingSecret>
  ) async -> DatabaseObservation.Server {
    guard !database.metadata.isDeleting, database.spec.problems().isEmpty else { return .notAsked }
    switch server {
    case .failure(let missing): return .secretMissing(missing.message)
    case .success(let access):
      do {
        return .found(try await ServerProbe(server: access.input, secrets: access.secrets).run())
      } catch let failed as FailedServerProbe {
        return .failed(reason: failed.reason, message: failed.message)
      } catch {
        return .failed(reason: Reason.connectionFailed, message: "\(error)")
      }
    }
  }

  private func receiver(
    of database: Database, _ request: StepRequest?
  ) async throws -> DatabaseObservation.Receiver {
    switch try await environment.state(of: database.receiverID) {
    case .absent: return .absent
    case .running:
      // A Secret that can't be read now is no reason to end what works.
      guard let request else { return .current }
      return try await environment.runner.isCurrent(request) ? .current : .outdated
    case .waiting(let hindrance):
      guard let request else { return .hindered(hindrance) }
      return try await environment.runner.isCurrent(request) ? .hindered(hindrance) : .outdated
    case .ended(.failed(let failure)), .ended(.tryAgain(let failure)): return .ended(failure)
    case .ended(.done): return .stopped
    case .lost(let lastWords):
      let message = "the receiver was killed or crashed" + (lastWords.isEmpty ? "" : "; it last said: \(lastWords)")
      return .ended(FailureStatus(code: "StepLost", message: message))
    }
  }

  private func instance(of database: Database, _ access: Access) async throws -> InstanceState? {
    guard let id = database.hostedInstance else { return nil }
    guard case .success(let server) = access.server else { return .starting }
    do {
      return try await environment.host.state(of: id, as: server.role)
    } catch is FailedServerProbe {
      // It answers, if not to us: why not is told by asking it as any other server.
      return .starting
    }
  }

  private func perform(_ action: DatabasePlan.Action, for database: Database, _ access: Access) async throws {
    let runner = environment.runner
    switch action {
    case .addFinalizer: _ = try await environment.finalizer.add(to: database)
    case .removeFinalizer: try await environment.finalizer.remove(from: database)
    case .startReceiver:
      guard let request = access.request else { return }
      try await environment.receiverTurns.turn(database.key) {
        guard try await mayStart(receiverOf: database) else { return }
        try await runner.stop(request.id)
        try await runner.discard(request.id)
        if let old = database.slotInUse, old != database.spec.pitr?.effectiveSlotName {
          await dropSlot(old, of: database, access)
        }
        try await runner.start(request)
      }
    case .stopReceiver:
      try await runner.stop(database.receiverID)
      try await runner.discard(database.receiverID)
    case .dropSlot:
      guard let slot = database.slotInUse ?? database.spec.pitr?.effectiveSlotName else { return }
      await dropSlot(slot, of: database, access)
    case .startInstance:
      guard let id = database.hostedInstance,
        let major = database.metadata.annotations[TidemarkAnnotation.serverMajor].flatMap({ Int($0) })
      else { return }
      try await environment.receiverTurns.turn(database.key) {
        guard try await mayStart(instanceOf: database) else { return }
        try await environment.host.start(id, serverMajor: major)
      }
    case .dropOriginalSlot:
      guard let slot = database.spec.pitr?.effectiveSlotName else { return }
      let connection = database.spec.connection
      let original = DatabaseInstance(endpoint: Endpoint(host: connection.host, port: connection.port))
      let server = try? await ServerAccess.read(database, at: original, by: environment.secrets)
      await dropSlot(
        slot, of: database,
        Access(server: server.map { .success($0) } ?? .failure(MissingSecret(message: "the Secret is gone"))))
    case .removeInstances:
      let own = database.hostedInstance.map { [$0] } ?? []
      let others = try await environment.host.instances(
        of: database.metadata.name ?? "", in: database.metadata.namespace ?? "")
      for id in Set(own + others) { try await environment.host.remove(id) }
    case .backUp(let name, let origin): try await backUp(database, name: name, origin: origin)
    }
  }

  /// Whether the receiver is still to be started as it was asked for: since the server was asked, a switch may have put
  /// another one in its place.
  private func mayStart(receiverOf database: Database) async throws -> Bool {
    guard let fresh = try await environment.newest(database), fresh.liveInstance == database.liveInstance else {
      return false
    }
    guard let uid = fresh.switchingRestore else { return true }
    let restores = try await environment.client.listAll(RestoreRequest.self, namespace: database.metadata.namespace)
    return restores.items.first { $0.metadata.uid == uid }?.isExchangingData(of: fresh) != true
  }

  /// Whether the live instance is still to be started: since it was seen to stand still, a switch may have begun that
  /// stopped it, or exchanges its data.
  private func mayStart(instanceOf database: Database) async throws -> Bool {
    guard let fresh = try await environment.newest(database) else { return false }
    return fresh.switchingRestore == nil && fresh.liveInstance == database.liveInstance && !fresh.metadata.isDeleting
  }

  /// A server that is gone holds no log either, so a failure is told and not tried again.
  private func dropSlot(_ slot: String, of database: Database, _ access: Access) async {
    do {
      guard case .success(let server) = access.server else { throw MissingSecret(message: "the Secret is gone") }
      try await ReplicationSlot(slot, at: server.input, secrets: server.secrets).drop()
      environment.events.record(.normal, "SlotDropped", "replication slot \(slot) was dropped", about: database)
    } catch {
      environment.events.record(
        .warning, "SlotLeft",
        "replication slot \(slot) may still be there, and then keeps log on the server: \(error). Drop it by SELECT "
          + "pg_drop_replication_slot('\(slot)')", about: database)
    }
  }

  private func backUp(_ database: Database, name: String, origin: String) async throws {
    var backup = Backup(
      metadata: ObjectMeta(
        name: name, namespace: database.metadata.namespace, labels: [TidemarkLabel.origin: origin]),
      spec: BackupSpec(
        target: BackupTarget(database: database.metadata.name ?? ""),
        destinationName: database.spec.pitr?.destinationName ?? ""))
    backup.spec.deletionPolicy = .delete
    do {
      _ = try await environment.client.create(backup, fieldManager: TidemarkGroup.controllerFieldManager)
    } catch let error as KubeError where error.isAlreadyExists {
      // The name says which gap or clone it is for: there is one already.
      return
    }
  }

  private func receiverRequest(_ database: Database, _ server: ServerAccess) async throws -> StepRequest? {
    guard let pitr = database.spec.pitr, pitr.enabled, let served = ServedResource(database.metadata),
      let subject = StepSubject(database),
      let destination = environment.stores.destinations[
        ObjectKey(namespace: database.metadata.namespace, name: pitr.destinationName)]
    else { return nil }
    let store = try await DestinationAccess.read(destination, by: environment.secrets)
    let origin = database.metadata.annotations[TidemarkAnnotation.origin].flatMap {
      try? JSONDecoder().decode(CloneOrigin.self, from: Data($0.utf8))
    }
    let input = WALReceiveInput(
      resource: served, cluster: environment.cluster, store: store.input, database: database.place,
      server: server.input, slotName: pitr.effectiveSlotName, flushInterval: pitr.flushInterval,
      incarnation: database.liveInstance.incarnation, origin: origin, instances: database.knownInstances)
    return StepRequest(
      id: database.receiverID, subject: subject, step: .walReceive, input: try StepRequest.encode(input),
      secrets: store.secrets.merging(server.secrets) { first, _ in first })
  }
}

extension Database {
  /// The instances that lived incarnations, by incarnation: the live one, and what the status tells of earlier ones.
  /// nil where Tidemark hosted none.
  fileprivate var knownInstances: [String: String]? {
    var known: [String: String] = [:]
    for incarnation in status?.incarnations ?? [] { known[incarnation.id] = incarnation.instance }
    let live = liveInstance
    if let incarnation = live.incarnation { known[incarnation] = live.name }
    return known.isEmpty ? nil : known
  }

  /// The slot that the receiver was last seen to read from; the spec may name another by now, or none.
  fileprivate var slotInUse: String? { status?.archiving?.slot }
}
