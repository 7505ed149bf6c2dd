import KubeClient
import KubeModel
import KubeRuntime
import Steps
import TidemarkAPI

/// Carries out what a ``DiscoveryPlan`` says.
struct DestinationDiscovery {
  private let environment: ControllerEnvironment

  init(_ environment: ControllerEnvironment) { self.environment = environment }

  /// Lists what lies in the destination when that is due, and shows what was found.
  func reconcile(_ destination: BackupDestination) async throws -> ReconcileResult {
    let plan = DiscoveryPlan.make(
      DiscoveryObservation(
        destination: destination, backups: environment.stores.backups.objects(in: destination.metadata.namespace),
        run: try await environment.state(of: destination.discoveryID), now: .now))
    for action in plan.actions { try await perform(action, for: destination) }
    if let count = plan.count {
      var status = destination.status ?? BackupDestinationStatus()
      (status.storedBytes, status.lastDiscovery) = (count.bytes, count.at)
      _ = try await environment.statuses.applyIfChanged(status, to: destination)
    }
    if plan.discardsRun { try await environment.runner.discard(destination.discoveryID) }
    environment.events.record(plan.events, about: destination)
    return plan.next
  }

  /// Takes away the Backups that were shown for what lies in the destination, which goes. Their snapshots stay.
  func hide(_ destination: BackupDestination) async throws {
    for backup in environment.stores.backups(in: destination) where backup.isView {
      try await environment.delete(BackupIdentity(backup))
    }
  }

  /// Ends a listing that is under way.
  func end(_ destination: BackupDestination) async throws {
    try await environment.runner.stop(destination.discoveryID)
    try await environment.runner.discard(destination.discoveryID)
  }

  private func perform(_ action: DiscoveryPlan.Action, for destination: BackupDestination) async throws {
    switch action {
    case .start(let known):
      guard let subject = StepSubject(destination) else { throw VanishedResource() }
      let store = try await DestinationAccess.read(destination, by: environment.secrets)
      let input = DiscoverInput(store: store.input, namespace: destination.metadata.namespace ?? "", known: known)
      try await environment.start(
        StepRequest(
          id: destination.discoveryID, subject: subject, step: .discover, input: try StepRequest.encode(input),
          secrets: store.secrets))
    case .create(let found, let name, let target):
      let backup = try Backup.discovered(
        found, named: name, of: target, namespace: destination.metadata.namespace,
        in: destination.metadata.name ?? "")
      do {
        _ = try await environment.client.create(backup, fieldManager: TidemarkGroup.controllerFieldManager)
      } catch let error as KubeError where error.isAlreadyExists {
        // The name says which snapshot it is for: an earlier try made it.
        return
      }
    case .remove(let backup): try await environment.delete(backup)
    }
  }
}

extension BackupDestination {
  var discoveryID: StepID { StepID(namespace: metadata.namespace ?? "", name: "discover-\(metadata.uid ?? "")") }
}

extension ReconcileResult {
  /// What comes first of the two.
  func sooner(_ other: ReconcileResult) -> ReconcileResult {
    switch (self, other) {
    case (.done, let other): other
    case (let mine, .done): mine
    case (.requeue(let mine), .requeue(let theirs)): .requeue(after: min(mine, theirs))
    }
  }
}
