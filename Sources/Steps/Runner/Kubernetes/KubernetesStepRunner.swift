public import KubeClient
import KubeModel
public import Logging
import TidemarkAPI

/// Runs steps as Jobs of a cluster, and `wal-receive` as a Deployment; see ``StepManifests`` for what these are made of.
///
/// **Guarantees.** A run has one name, from which all its objects have theirs: whoever creates one second finds the
/// first. What is decided here goes by what the API server has now, and by no cache. Nothing is waited for that a pod does
/// by itself: `start` returns when the objects are there.
///
/// **Assumptions.** The cluster's own controllers are at work: for Jobs, Deployments, and the garbage collector.
public struct KubernetesStepRunner: StepRunner {
  let client: KubeClient
  let settings: KubernetesStepSettings
  let namespaces: [String]
  private let mayExist: @Sendable (StepID) -> Set<StepWorkloadKind>
  private let started = StartedRuns()
  private let stopBound: Duration
  private let logger: Logger

  /// Runs steps at the cluster of `client`, in these namespaces; none for all.
  ///
  /// `mayExist` tells `state`, which is asked often, what a run may be in: all that a cache shows; `start` remembers what
  /// is newer. A run that is stopped has `stopBound` to go: more than its pod's grace.
  public init(
    client: KubeClient, settings: KubernetesStepSettings, namespaces: [String] = [],
    mayExist: @escaping @Sendable (StepID) -> Set<StepWorkloadKind> = { _ in Set(StepWorkloadKind.allCases) },
    stopBound: Duration = .seconds(90), logger: Logger
  ) {
    (self.client, self.settings, self.namespaces, self.mayExist) = (client, settings, namespaces, mayExist)
    (self.stopBound, self.logger) = (stopBound, logger)
  }

  // MARK: Starting

  public func start(_ request: StepRequest) async throws {
    if let present = try await find(request.id) {
      guard !present.metadata.isDeleting else { throw Self.stillEnding(present) }
      guard case .lost = try await state(of: present) else { return }
      try await delete(present, .background)
    }
    let manifests = StepManifests(request, settings)
    do {
      if settings.template.serviceAccount == nil {
        try await StepAccount(client: client).ensure(in: request.id.namespace)
      }
      try await client.apply(
        manifests.configMap, fieldManager: TidemarkGroup.controllerFieldManager, conflicts: .force)
      try await client.apply(manifests.secret, fieldManager: TidemarkGroup.controllerFieldManager, conflicts: .force)
      started.insert(request.id, request.step.workload)
      switch request.step.workload {
      case .job: try await create(manifests.job)
      case .deployment: try await create(manifests.deployment)
      }
    } catch let error as KubeError where error.isInvalid || error.isForbidden {
      throw StepError(
        code: .platformRefused,
        message: "step \(request.id) can't be started: \(error); see to the pod template, to quotas and policies of "
          + "the namespace, and to the controller's rights")
    }
  }

  private func create<R: KubeResource>(_ manifest: R) async throws {
    do {
      _ = try await client.create(manifest, fieldManager: TidemarkGroup.controllerFieldManager)
      logger.info("step started", metadata: ["run": "\(manifest.key)", "kind": "\(R.resource.kind)"])
    } catch let error as KubeError where error.isAlreadyExists {
      // Another controller was faster, to the same end; or what was to be stopped is still there.
      guard let present = try await find(StepID(manifest.metadata)), !present.metadata.isDeleting else {
        throw StepError(
          code: .stillRunning, message: "an earlier run of \(manifest.key) is just going; the step is started after it")
      }
    }
  }

  // MARK: Looking

  public func state(of id: StepID) async throws -> StepState {
    let kinds = mayExist(id).union(started[id])
    guard !kinds.isEmpty, let present = try await find(id, kinds) else { return .absent }
    return try await state(of: present)
  }

  private func state(of present: StepWorkload) async throws -> StepState {
    let pods = try await pods(of: present)
    let sight: StepSight
    switch present {
    case .job(let job): sight = .of(job, pods, now: .now)
    case .deployment(let deployment): sight = .of(deployment, pods, now: .now)
    }
    switch sight {
    case .state(let state): return state
    case .resultInLog(let pod, let pointer): return try await result(pointer, of: pod, present)
    }
  }

  private func result(
    _ pointer: TerminationMessage.Pointer, of pod: String, _ present: StepWorkload
  ) async throws -> StepState {
    do {
      let log = try await client.log(
        of: ObjectKey(namespace: present.metadata.namespace, name: pod), container: PodTemplate.container,
        tailLines: pointer.tailLines)
      if let result = TerminationMessage.result(in: log, pointer) { return .ended(result) }
    } catch let error as KubeError where error.isNotFound {
      // The pod went with its node.
    }
    return .lost(lastWords: "its result, of \(pointer.bytes) bytes, is not in the log of pod \(pod) any more")
  }

  public func isCurrent(_ request: StepRequest) async throws -> Bool {
    guard let present = try await find(request.id, [request.step.workload]) else { return false }
    let manifests = StepManifests(request, settings)
    guard present.metadata.annotations[TidemarkAnnotation.madeOf] == manifests.madeOf else { return false }
    let secret = try await client.find(Secret.self, present.metadata.key)
    return secret?.data == manifests.secret.data
  }

  public func known() async throws -> [StepID] { try await traces().map(\.id) }

  public func path(of volume: StepVolume) throws -> String { volume.mountPath }

  // MARK: Ending

  public func stop(_ id: StepID) async throws {
    guard let present = try await find(id), try await state(of: present).isAtWork else { return }
    // In the foreground what it owns goes first, so that the object is there until its pods are gone.
    try await delete(present, .foreground)
    let clock = ContinuousClock()
    let deadline = clock.now + stopBound
    while let left = try await find(id, [present.kind]), left.metadata.uid == present.metadata.uid {
      guard clock.now < deadline else { throw Self.stillEnding(left, try await pods(of: left)) }
      try await Task.sleep(for: .milliseconds(250))
    }
    logger.info("step stopped", metadata: ["run": "\(id)"])
  }

  public func discard(_ id: StepID) async throws {
    let present = try await find(id)
    if let present, try await state(of: present).isAtWork {
      throw StepError(
        code: .stillRunning, message: "step \(id) is at work; it can be discarded when it has ended or was stopped")
    }
    let key = ObjectKey(namespace: id.namespace, name: id.name)
    try await client.deleteIfPresent(Secret.self, key)
    if let present { try await delete(present, .background) }
    // It goes last: by it a run is found that was not cleared away to the end.
    try await client.deleteIfPresent(ConfigMap.self, key)
    started.remove(id)
  }

  private func delete(_ present: StepWorkload, _ propagation: DeleteOptions.Propagation) async throws {
    let options = DeleteOptions(uid: present.metadata.uid, propagation: propagation)
    do {
      switch present {
      case .job: try await client.deleteIfPresent(Job.self, present.metadata.key, options: options)
      case .deployment: try await client.deleteIfPresent(Deployment.self, present.metadata.key, options: options)
      }
    } catch let error as KubeError where error.isConflict {
      // It is another one by now: the one that was meant is gone.
      return
    }
  }

  private static func stillEnding(_ present: StepWorkload, _ pods: [Pod] = []) -> StepError {
    let names = pods.map { "\($0.metadata.name ?? "") on \($0.spec?.nodeName ?? "no node")" }.sorted()
    let left = names.isEmpty ? "" : ": pod \(names.joined(separator: ", "))"
    return StepError(
      code: .stillRunning,
      message: "\(present.metadata.key) is still being ended\(left); where a node is lost, its pods go when the node "
        + "is deleted, or by `kubectl delete pod --force`")
  }

  // MARK: At the API server

  /// What runs `id`, as the API server has it now.
  private func find(
    _ id: StepID, _ kinds: Set<StepWorkloadKind> = Set(StepWorkloadKind.allCases)
  ) async throws -> StepWorkload? {
    let key = ObjectKey(namespace: id.namespace, name: id.name)
    if kinds.contains(.job), let job = try await client.find(Job.self, key) { return .job(job) }
    if kinds.contains(.deployment), let deployment = try await client.find(Deployment.self, key) {
      return .deployment(deployment)
    }
    return nil
  }

  private func pods(of present: StepWorkload) async throws -> [Pod] {
    try await client.listAll(
      Pod.self, namespace: present.metadata.namespace,
      labelSelector: "\(TidemarkLabel.run)=\(present.metadata.name ?? "")"
    ).items
  }
}

extension StepID {
  fileprivate init(_ metadata: ObjectMeta) { self.init(namespace: metadata.namespace ?? "", name: metadata.name ?? "") }
}
