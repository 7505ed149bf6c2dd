import KubeClient
import KubeModel
import KubeRuntime
import Steps
package import TidemarkAPI

/// Brings RestoreRequests to completion that load a dump: one at a path, or that of a logical Backup.
package struct ImportReconciler: Sendable {
  private let environment: ControllerEnvironment

  /// A reconciler in this environment.
  init(_ environment: ControllerEnvironment) { self.environment = environment }

  /// Whether a RestoreRequest is this one's; `backup` is the one that its source names, where there is one.
  ///
  /// Once it has begun it stays this one's, also when its Backup is deleted meanwhile: `status.loaded` says so.
  package static func handles(_ request: RestoreRequest, backup: Backup?) -> Bool {
    if request.source.path != nil || request.status?.loaded != nil { return true }
    return request.source.backupName != nil && backup?.subject.method == .logical
  }

  /// Goes a step on with `request`, which must be as the API server has it now.
  func reconcile(_ request: RestoreRequest) async throws -> ReconcileResult {
    let seen = try await observe(request)
    return try await environment.carryOut(ImportPlan.make(seen), for: request, request.status?.ownedByController) {
      action, _ in try await perform(action, for: seen)
    }
  }

  private func observe(_ request: RestoreRequest) async throws -> ImportObservation {
    let stores = environment.stores
    let namespace = request.metadata.namespace
    func key(_ name: String) -> ObjectKey { ObjectKey(namespace: namespace, name: name) }
    let backup = request.source.backupName.flatMap { stores.backups[key($0)] }
    return ImportObservation(
      request: request, backup: backup,
      database: request.importedDatabase(backup).flatMap { stores.databases[key($0)] },
      destination: request.importedDestination(backup).flatMap { stores.destinations[key($0)] },
      run: try await environment.state(of: request.importID), now: .now)
  }

  private func perform(_ action: ImportPlan.Action, for seen: ImportObservation) async throws {
    let (runner, request) = (environment.runner, seen.request)
    switch action {
    case .addFinalizer: _ = try await environment.finalizer.add(to: request)
    case .removeFinalizer: try await environment.finalizer.remove(from: request)
    case .start:
      let step = try await stepRequest(for: seen)
      try await environment.start(step)
    case .stopRun: try await runner.stop(request.importID)
    case .discardRun: try await runner.discard(request.importID)
    case .dropTemporary: try await dropTemporary(seen)
    case .removeStaged: try await removeStaged(seen)
    }
  }

  private func stepRequest(for seen: ImportObservation) async throws -> StepRequest {
    guard let database = seen.database, let destination = seen.destination, let location = seen.location,
      let names = seen.names, let served = ServedResource(seen.request.metadata),
      let subject = StepSubject(seen.request)
    else { throw VanishedResource() }
    let store = try await DestinationAccess.read(destination, by: environment.secrets)
    let server = try await ServerAccess.read(database, as: .admin, by: environment.secrets)
    let input = ImportInput(
      request: served, cluster: environment.cluster, store: store.input, source: location, server: server.input,
      names: names, programDirectory: environment.programDirectory)
    return StepRequest(
      id: seen.request.importID, subject: subject, step: .importDump, input: try StepRequest.encode(input),
      secrets: store.secrets.merging(server.secrets) { first, _ in first })
  }

  private func dropTemporary(_ seen: ImportObservation) async throws {
    guard let database = seen.database, let names = seen.names, let served = ServedResource(seen.request.metadata)
    else { return }
    let server = try await ServerAccess.read(database, as: .admin, by: environment.secrets)
    try await ImportRemoval(server: server.input, secrets: server.secrets).run(names, for: served)
  }

  private func removeStaged(_ seen: ImportObservation) async throws {
    guard let database = seen.database, let destination = seen.destination, let path = seen.request.source.path
    else { return }
    let store = try await DestinationAccess.read(destination, by: environment.secrets)
    try await DumpStaging(store: store.input, secrets: store.secrets).remove(path.key, of: database.place)
  }
}

extension RestoreRequest {
  /// The run of its `import` step.
  var importID: StepID { StepID(namespace: metadata.namespace ?? "", name: "import-\(metadata.uid ?? "")") }
}
