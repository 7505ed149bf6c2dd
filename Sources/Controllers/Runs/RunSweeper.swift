import KubeClient
import KubeModel
import KubeRuntime
import Logging
import Steps
import TidemarkAPI

/// Clears away the runs of resources that are gone: at the start, every ten minutes, and when a run's Job comes or goes.
///
/// What a resource owns goes with it by the cluster's garbage collector. A `forget` outlives its Backup, and is cleared
/// away by the Backup's reconciler; where somebody took the finalizer off, nobody is left to do it but this.
struct RunSweeper: Reconciler {
  let environment: ControllerEnvironment
  let runner: KubernetesStepRunner

  /// The one thing that is reconciled.
  static let key = ObjectKey(namespace: nil, name: "runs")
  static let interval: Duration = .seconds(600)

  func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    let sweep = try await runner.removeOrphans { try await isPresent($0) }
    for id in sweep.removed {
      environment.logger.warning(
        "the run of a resource that is gone was cleared away", metadata: ["run": "\(id)"])
    }
    for (id, message) in sweep.stuck {
      environment.logger.warning(
        "the run of a resource that is gone does not end", metadata: ["run": "\(id)", "reason": "\(message)"])
    }
    return .requeue(after: Self.interval)
  }

  /// Whether that one life of the resource is there; kinds that this version does not know are left alone.
  private func isPresent(_ served: ServedMark) async throws -> Bool {
    switch served.kind {
    case Backup.resource.kind: try await isPresent(served, environment.stores.backups)
    case BackupDestination.resource.kind: try await isPresent(served, environment.stores.destinations)
    case Database.resource.kind: try await isPresent(served, environment.stores.databases)
    case PITRClone.resource.kind: try await isPresent(served, environment.stores.clones)
    case RestoreRequest.resource.kind: try await isPresent(served, environment.stores.restores)
    default: true
    }
  }

  /// A cache may be behind: what it lacks is asked for.
  private func isPresent<R: KubeResource>(_ served: ServedMark, _ store: Store<R>) async throws -> Bool {
    if store[served.key]?.metadata.uid == served.uid { return true }
    return try await environment.client.find(R.self, served.key)?.metadata.uid == served.uid
  }
}
