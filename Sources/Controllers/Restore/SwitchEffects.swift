import KubeClient
import KubeModel
import KubeRuntime
import Steps
import TidemarkAPI

/// Looks at the two servers of a switch, and does what its plan asks for.
struct SwitchEffects: Sendable {
  let environment: ControllerEnvironment
  let restore: RestoreRequest
  let database: Database?

  // MARK: Looking

  func observe() async throws -> SwitchObservation {
    var seen = SwitchObservation(restore: restore, database: database, now: .now)
    guard let database else { return seen }
    seen.rival = try await rival(at: database)
    guard let route = route(database), isConcerned(database) else { return seen }
    seen.old = await look(at: route.old, of: database)
    if !route.isInPlace { seen.new = await condition(of: route.new, of: database) }
    return seen
  }

  /// The switch that is under way, or that is asked for now.
  private func route(_ database: Database) -> SwitchRoute? {
    let direction = restore.status?.switching?.direction ?? (restore.spec.wantsSwitch ? .toRestored : .toPrevious)
    return SwitchRoute(direction, of: restore, database)
  }

  /// Nothing is asked of servers while nothing is to be moved.
  private func isConcerned(_ database: Database) -> Bool {
    if let switching = restore.status?.switching { return switching.stage != .following && switching.stage != .undoing }
    return database.isOn(restore) != restore.spec.wantsSwitch
  }

  /// Another restore whose mark is on the Database. A mark of one that is gone holds nobody up.
  private func rival(at database: Database) async throws -> String? {
    guard let uid = database.switchingRestore, uid != restore.metadata.uid else { return nil }
    let restores = try await environment.client.listAll(RestoreRequest.self, namespace: restore.metadata.namespace)
    return restores.items.first { $0.metadata.uid == uid }?.metadata.name
  }

  private func look(at server: DatabaseInstance, of database: Database) async -> SwitchObservation.Old {
    do {
      return .seen(try await fence(of: server, database).look())
    } catch let failed as FailedServerProbe {
      return .unreachable(reason: failed.reason, message: failed.message)
    } catch let missing as MissingSecret {
      return .unreachable(reason: Reason.secretMissing, message: missing.message)
    } catch {
      return .unreachable(reason: Reason.connectionFailed, message: "\(error)")
    }
  }

  private func condition(of server: DatabaseInstance, of database: Database) async -> SwitchObservation.New {
    guard let name = server.name else {
      switch await look(at: server, of: database) {
      case .seen(let view):
        return view.mayClose ? .ready : .unusable("the role is no superuser, so it can't open the server's databases")
      case .unreachable(_, let message): return .unusable(message)
      case .notAsked: return .notAsked
      }
    }
    do {
      switch try await environment.host.state(of: id(name), as: try await role(database)) {
      case .running: return .ready
      case .stopped: return .stopped
      case .starting, .waiting, .recovering: return .starting
      case .absent: return .unusable("its data are gone")
      case .failed(let message): return .unusable("it ended by itself; it last said: \(message)")
      }
    } catch let missing as MissingSecret {
      return .unusable(missing.message)
    } catch let failed as FailedServerProbe {
      return .unusable(failed.message)
    } catch {
      return .unusable("\(error)")
    }
  }

  // MARK: Acting

  func perform(_ action: SwitchPlan.Action) async throws {
    guard let database, let route = route(database) else {
      if action == .release, let database { try await release(database) }
      return
    }
    switch action {
    case .claim: try await claim(database)
    case .release: try await release(database)
    case .close(let databases): try await fence(of: route.old, database).close(databases)
    case .end(let clients): try await fence(of: route.old, database).end(clients)
    case .startNew: try await start(route.new)
    case .stopOld: try await environment.receiverTurns.turn(database.key) { try await stop(route.old) }
    case .exchange: try await exchange(route, of: database)
    case .move: try await move(database, route)
    case .openNew: try await open(route.new, database)
    case .openOld: try await open(route.old, database)
    case .retire(let name): try await retire(name, database)
    case .backUp(let name): try await backUp(database, name)
    }
  }

  private func start(_ server: DatabaseInstance) async throws {
    guard let name = server.name, let major = server.serverMajor else { return }
    try await environment.host.start(id(name), serverMajor: major)
  }

  private func stop(_ server: DatabaseInstance) async throws {
    guard let name = server.name else { return }
    try await environment.host.stop(id(name))
  }

  private func open(_ server: DatabaseInstance, _ database: Database) async throws {
    try await start(server)
    try await fence(of: server, database).open()
  }

  /// The receiver ends with the server that it reads from. It would come back to the same endpoint, find the other data
  /// there, and store their log, with the timeline that they began, in the incarnation of the old ones: that could never
  /// go on again.
  private func exchange(_ route: SwitchRoute, of database: Database) async throws {
    guard let live = route.old.name, let aside = route.aside, let incarnations = route.incarnations else {
      throw StepError(
        code: .instanceFailed, message: "the data of a server that Tidemark does not host can't be exchanged")
    }
    try await environment.receiverTurns.turn(database.key) {
      try await environment.host.stop(id(live))
      try await environment.runner.stop(database.receiverID)
      try await environment.runner.discard(database.receiverID)
      try await environment.host.stop(id(aside))
      try await environment.host.exchange(
        id(live), id(aside), incoming: incarnations.incoming, outgoing: incarnations.outgoing)
    }
  }

  // MARK: The Database's annotations

  private func claim(_ database: Database) async throws {
    guard database.switchingRestore != restore.metadata.uid else { return }
    let place: JSONPointer = ["metadata", "annotations", TidemarkAnnotation.switching]
    var patch = identity(database)
    if database.metadata.annotations.isEmpty { patch.append(.add(["metadata", "annotations"], .object([:]))) }
    patch.append(.test(place, database.switchingRestore.map { .string($0) } ?? .null))
    patch.append(.add(place, .string(restore.metadata.uid ?? "")))
    _ = try await environment.client.jsonPatch(Database.self, database.key, patch)
  }

  private func release(_ database: Database) async throws {
    guard let uid = restore.metadata.uid, database.switchingRestore == uid else { return }
    let place: JSONPointer = ["metadata", "annotations", TidemarkAnnotation.switching]
    let patch = identity(database) + [.test(place, .string(uid)), .remove(place)]
    do {
      _ = try await environment.client.jsonPatch(Database.self, database.key, patch)
    } catch let error as KubeError where error.isNotFound {
      return
    }
  }

  /// The one write that is the switch: all annotations that say which server is the live one, if they say what they
  /// said before, and as long as this restore's mark is there.
  private func move(_ database: Database, _ route: SwitchRoute) async throws {
    var moved = database
    moved.liveInstance = route.new
    let mark: JSONPointer = ["metadata", "annotations", TidemarkAnnotation.switching]
    var patch = identity(database) + [.test(mark, .string(restore.metadata.uid ?? ""))]
    for name in TidemarkAnnotation.liveInstance {
      let place: JSONPointer = ["metadata", "annotations", name]
      let (before, after) = (database.metadata.annotations[name], moved.metadata.annotations[name])
      patch.append(.test(place, before.map { .string($0) } ?? .null))
      if let after {
        patch.append(.add(place, .string(after)))
      } else if before != nil {
        patch.append(.remove(place))
      }
    }
    _ = try await environment.client.jsonPatch(Database.self, database.key, patch)
  }

  private func identity(_ database: Database) -> [JSONPatchOperation] {
    [.test(["metadata", "uid"], .string(database.metadata.uid ?? ""))]
  }

  /// Under the mark no switch can make it the live one meanwhile.
  private func retire(_ name: String, _ database: Database) async throws {
    try await claim(database)
    guard let marked = try await environment.client.find(Database.self, database.key) else { return }
    if marked.liveInstance.name != name { try await environment.host.remove(id(name)) }
    try await release(marked)
  }

  private func backUp(_ database: Database, _ name: String) async throws {
    guard let pitr = database.spec.pitr else { return }
    let backup = Backup(
      metadata: ObjectMeta(
        name: name, namespace: database.metadata.namespace, labels: [TidemarkLabel.origin: "Switch"]),
      spec: BackupSpec(
        target: BackupTarget(database: database.metadata.name ?? ""), destinationName: pitr.destinationName))
    do {
      _ = try await environment.client.create(backup, fieldManager: TidemarkGroup.controllerFieldManager)
    } catch let error as KubeError where error.isAlreadyExists {
      // The name says which restore it is for: its archive has begun already.
      return
    }
  }

  // MARK: Access

  private func id(_ name: String) -> InstanceID { InstanceID(namespace: restore.metadata.namespace ?? "", name: name) }

  private func role(_ database: Database) async throws -> InstanceRole {
    try await ServerAccess.read(database, by: environment.secrets).role
  }

  private func fence(of server: DatabaseInstance, _ database: Database) async throws -> Fence {
    if let name = server.name { return try await environment.host.fence(of: id(name), as: try await role(database)) }
    let access = try await ServerAccess.read(database, at: server, as: .admin, by: environment.secrets)
    return Fence(server: access.input, secrets: access.secrets)
  }
}
