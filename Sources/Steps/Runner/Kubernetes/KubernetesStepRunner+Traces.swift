import KubeClient
import KubeModel
import TidemarkAPI

extension KubernetesStepRunner {
  /// A run of which there is something in the cluster.
  public struct Trace: Sendable, Hashable {
    /// The run.
    public let id: StepID
    /// Whom it serves; nil where somebody removed that from it.
    public let served: ServedMark?
  }

  /// What became of the runs of resources that are gone.
  public struct Sweep: Sendable {
    /// Those that were cleared away.
    public internal(set) var removed: [StepID] = []
    /// Those that do not end, and why.
    public internal(set) var stuck: [(run: StepID, message: String)] = []
  }

  /// All runs of which there are traces: their ConfigMaps, which are made first and go last.
  public func traces() async throws -> [Trace] {
    let selector =
      "app.kubernetes.io/name=tidemark,app.kubernetes.io/component=step,\(TidemarkLabel.run)"
    var found: [Trace] = []
    for namespace in namespaces.isEmpty ? [nil] : namespaces.map(Optional.some) {
      let maps = try await client.listAll(ConfigMap.self, namespace: namespace, labelSelector: selector).items
      found += maps.map { map in
        Trace(
          id: StepID(namespace: map.metadata.namespace ?? "", name: map.metadata.name ?? ""),
          served: ServedMark(map.metadata))
      }
    }
    return found
  }

  /// Stops and clears away the runs of resources that are gone.
  ///
  /// What a resource owns, the cluster clears away with it. What outlives its resource, and what was left where no
  /// owner is known, goes here. `isPresent` is asked once for each resource that a run says it serves. One that does
  /// not end, as on a lost node, holds the others up no longer than its stop is waited for.
  public func removeOrphans(isPresent: (ServedMark) async throws -> Bool) async throws -> Sweep {
    var sweep = Sweep()
    for trace in try await traces() {
      guard let served = trace.served, try await !isPresent(served) else { continue }
      do {
        try await stop(trace.id)
        try await discard(trace.id)
        sweep.removed.append(trace.id)
      } catch let error as StepError where error.code == .stillRunning {
        sweep.stuck.append((trace.id, error.message))
      }
    }
    return sweep
  }
}
