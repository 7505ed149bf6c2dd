public import KubeClient
package import KubeModel
public import KubeRuntime
public import Logging
public import Steps
import TidemarkAPI

/// The runs of steps in a cluster: their runner, what caches know of them, and who is woken when one goes on.
public struct ClusterRuns: Sendable {
  /// Runs the steps.
  public let runner: KubernetesStepRunner

  let jobs: Store<Job>
  let deployments: Store<Deployment>
  let pods: Store<Pod>

  /// Declares the stores at `runtime`: of all Jobs, Deployments and pods only those that runs are made of.
  public init(
    runtime: Runtime, client: KubeClient, settings: KubernetesStepSettings, namespaces: [String], logger: Logger
  ) {
    let selector = "app.kubernetes.io/name=tidemark,\(TidemarkLabel.run)"
    let jobs = runtime.store(of: Job.self, labelSelector: selector)
    let deployments = runtime.store(of: Deployment.self, labelSelector: selector)
    (self.jobs, self.deployments) = (jobs, deployments)
    pods = runtime.store(of: Pod.self, labelSelector: selector)
    runner = KubernetesStepRunner(
      client: client, settings: settings, namespaces: namespaces,
      mayExist: { id in
        let key = ObjectKey(namespace: id.namespace, name: id.name)
        var kinds: Set<StepWorkloadKind> = []
        if jobs[key] != nil { kinds.insert(.job) }
        if deployments[key] != nil { kinds.insert(.deployment) }
        return kinds
      }, logger: logger)
  }

  /// Has `controller` reconcile the `Served` of a run when the run ends, is hindered, or goes on after that.
  package func wake<Served: KubeResource>(_ controller: Controller, serving kind: Served.Type) {
    controller.watch(jobs, filter: .endingChanged) { Self.served($0.metadata, Served.self) }
    controller.watch(deployments, filter: .never) { Self.served($0.metadata, Served.self) }
    controller.watch(pods, filter: .containersChanged) { Self.served($0.metadata, Served.self) }
  }

  private static func served<Served: KubeResource>(_ metadata: ObjectMeta, _ kind: Served.Type) -> [ObjectKey] {
    guard let mark = ServedMark(metadata), mark.kind == Served.resource.kind else { return [] }
    return [mark.key]
  }
}

extension ChangeFilter<Job> {
  /// Whether the Job ended, or is to go.
  static var endingChanged: Self {
    Self { old, new in old.ending != new.ending || old.metadata.isDeleting != new.metadata.isDeleting }
  }
}

extension ChangeFilter<Deployment> {
  /// Its pods tell what there is to tell.
  static var never: Self { Self { _, _ in false } }
}

extension ChangeFilter<Pod> {
  /// Whether a container began, ended, or waits for another reason.
  static var containersChanged: Self {
    Self { old, new in old.conduct != new.conduct }
  }
}

extension Pod {
  /// What of a pod's state a reconciler acts on.
  fileprivate var conduct: [String?] {
    let containers = (status?.containerStatuses ?? []).flatMap { container -> [String?] in
      let state = container.state
      return [state?.waiting?.reason, state?.running.map { _ in "running" }, state?.terminated?.reason]
    }
    return [status?.phase, status?.reason, status?.conditions?[type: "PodScheduled"]?.reason] + containers
  }
}
