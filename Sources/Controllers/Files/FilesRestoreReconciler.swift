import KubeClient
import KubeModel
import KubeRuntime
import Steps
package import TidemarkAPI

/// Brings RestoreRequests to completion that restore an application's volumes or a bucket.
package struct FilesRestoreReconciler: Sendable {
  private let environment: ControllerEnvironment

  /// A reconciler in this environment.
  init(_ environment: ControllerEnvironment) { self.environment = environment }

  /// Whether a RestoreRequest is this one's; `backup` is the one that its source names, where there is one. Once it has
  /// begun it stays this one's, also when its Backup is deleted meanwhile.
  package static func handles(_ request: RestoreRequest, backup: Backup?) -> Bool {
    request.status?.filesTarget != nil || (backup.map { $0.subject.method == .files } ?? false)
  }

  /// Goes a step on with `request`, which must be as the API server has it now.
  func reconcile(_ request: RestoreRequest) async throws -> ReconcileResult {
    let seen = try await observe(request)
    return try await environment.carryOut(
      FilesRestorePlan.make(seen), for: request, request.status?.ownedByController
    ) { action, _ in
      try await perform(action, for: seen)
    }
  }

  private func observe(_ request: RestoreRequest) async throws -> FilesRestoreObservation {
    let stores = environment.stores
    let namespace = request.metadata.namespace
    func key(_ name: String) -> ObjectKey { ObjectKey(namespace: namespace, name: name) }
    let backup = request.source.backupName.flatMap { stores.backups[key($0)] }
    let target = request.filesTarget(backup)
    var seen = FilesRestoreObservation(
      request: request, backup: backup,
      destination: backup.flatMap { stores.destinations[key($0.subject.destinationName)] },
      bucket: target?.bucket.flatMap { stores.buckets[key($0)] },
      run: try await environment.state(of: request.filesRunID), now: .now)
    guard let reference = target?.application else { return seen }
    seen.application = try await environment.applications.find(reference, in: namespace)
    guard request.status?.phase?.isFinal != true else { return seen }
    seen.reader = stores.backups(of: BackupTarget(application: reference), in: namespace).first {
      $0.status?.phase == .running
    }
    for (_, claim) in seen.mapping.sorted(by: { $0.key < $1.key }) {
      seen.newClaims.append(try await environment.applications.spareClaim(claim, in: namespace))
    }
    if let name = request.spec.files?.newName {
      seen.copy = try await environment.applications.copy(
        WorkloadReference(kind: reference.kind, name: name), in: namespace, for: request.metadata.uid ?? "")
    }
    return seen
  }

  private func perform(_ action: FilesRestorePlan.Action, for seen: FilesRestoreObservation) async throws {
    let (runner, request) = (environment.runner, seen.request)
    let (namespace, uid) = (request.metadata.namespace, request.metadata.uid ?? "")
    let application = request.filesTarget(seen.backup)?.application
    switch action {
    case .addFinalizer: _ = try await environment.finalizer.add(to: request)
    case .removeFinalizer: try await environment.finalizer.remove(from: request)
    case .makeClaims:
      for (claim, newClaim) in seen.mapping.sorted(by: { $0.key < $1.key }) {
        try await environment.applications.makeClaim(newClaim, like: claim, in: namespace)
      }
    case .makeCopy:
      guard let application, let name = request.spec.files?.newName else { return }
      try await environment.applications.makeCopy(
        name, of: application, in: namespace, claims: seen.mapping, for: uid)
    case .scaleDown:
      if let application { try await environment.applications.scaleDown(application, in: namespace, for: uid) }
    case .scaleUp:
      if let application { try await environment.applications.scaleUp(application, in: namespace, for: uid) }
    case .start:
      let step = try await stepRequest(for: seen)
      try await environment.start(step)
    case .stopRun: try await runner.stop(request.filesRunID)
    case .discardRun: try await runner.discard(request.filesRunID)
    }
  }

  private func stepRequest(for seen: FilesRestoreObservation) async throws -> StepRequest {
    guard let backup = seen.backup, let destination = seen.destination,
      let served = ServedResource(seen.request.metadata), let subject = StepSubject(seen.request),
      let place = backup.subject.target.repositoryPrefix(namespace: backup.metadata.namespace ?? "")
    else { throw VanishedResource() }
    let store = try await DestinationAccess.read(destination, by: environment.secrets)
    let spec = seen.request.spec.files ?? RestoreFilesSpec()
    guard backup.subject.target.bucket != nil else {
      return try volumesRequest(for: seen, (served, subject), store, place, spec)
    }
    guard let bucket = seen.bucket, let snapshot = backup.status?.snapshots?.first else { throw VanishedResource() }
    let target = try await DestinationAccess.read(bucket, by: environment.secrets)
    let input = BucketRestoreInput(
      request: served, cluster: environment.cluster, store: store.input, repositoryPrefix: place,
      snapshot: snapshot.snapshot,
      bucket: BucketInput(
        store: target.input, include: bucket.spec.include ?? [], exclude: bucket.spec.exclude ?? []),
      paths: spec.paths ?? [], keyPrefix: spec.keyPrefix ?? "", deletesOthers: spec.deleteOthers ?? false)
    return StepRequest(
      id: seen.request.filesRunID, subject: subject, step: .bucketRestore, input: try StepRequest.encode(input),
      secrets: store.secrets.merging(target.secrets) { first, _ in first })
  }

  private func volumesRequest(
    for seen: FilesRestoreObservation, _ parts: (served: ServedResource, subject: StepSubject),
    _ store: DestinationAccess, _ place: String,
    _ spec: RestoreFilesSpec
  ) throws -> StepRequest {
    var volumes: [StepVolume] = []
    var inputs: [VolumeInput] = []
    for part in seen.parts {
      guard let claim = seen.claim(part.place) else { throw VanishedResource() }
      let volume = claim.volume(.readWrite)
      volumes.append(volume)
      inputs.append(
        VolumeInput(
          claim: part.claim, path: try environment.runner.path(of: volume), snapshot: part.snapshot.snapshot))
    }
    let input = VolumeRestoreInput(
      request: parts.served, cluster: environment.cluster, store: store.input, repositoryPrefix: place, volumes: inputs,
      paths: spec.paths ?? [])
    return StepRequest(
      id: seen.request.filesRunID, subject: parts.subject, step: .volumeRestore, input: try StepRequest.encode(input),
      secrets: store.secrets,
      volumes: volumes)
  }
}

extension RestoreRequest {
  /// The run of its `bucket-restore` or `volume-restore` step.
  var filesRunID: StepID { StepID(namespace: metadata.namespace ?? "", name: "files-restore-\(metadata.uid ?? "")") }
}
