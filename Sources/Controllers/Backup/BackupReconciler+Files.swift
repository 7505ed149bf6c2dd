import KubeModel
import KubeRuntime
import Steps
import TidemarkAPI

/// The runs of Backups of buckets and of applications' volumes.
extension BackupReconciler {
  func bucketRequest(_ backup: Backup) async throws -> StepRequest {
    let (store, place, served, subject) = try await filesParts(of: backup)
    let key = ObjectKey(namespace: backup.metadata.namespace, name: backup.subject.target.bucket ?? "")
    guard let bucket = environment.stores.buckets[key] else { throw VanishedResource() }
    let source = try await DestinationAccess.read(bucket, by: environment.secrets)
    let input = BucketBackupInput(
      backup: served, cluster: environment.cluster, store: store.input, repositoryPrefix: place,
      bucket: BucketInput(
        store: source.input, include: bucket.spec.include ?? [], exclude: bucket.spec.exclude ?? []))
    return StepRequest(
      id: backup.runID, subject: subject, step: .bucketBackup, input: try StepRequest.encode(input),
      secrets: store.secrets.merging(source.secrets) { first, _ in first })
  }

  func volumesRequest(_ backup: Backup, of reference: WorkloadReference) async throws -> StepRequest {
    let (store, place, served, subject) = try await filesParts(of: backup)
    guard let sight = try await environment.applications.find(reference, in: backup.metadata.namespace) else {
      throw VanishedResource()
    }
    let spec = backup.subject.volumes ?? VolumesSpec()
    let claims = try sight.wanted(spec.claims, of: backup.subject.target.text).get()
    let volumes = claims.map { $0.volume(.readOnly) }
    let input = VolumeBackupInput(
      backup: served, cluster: environment.cluster, store: store.input, repositoryPrefix: place,
      volumes: try volumes.map { VolumeInput(claim: $0.claim, path: try environment.runner.path(of: $0)) },
      include: spec.include ?? [], exclude: spec.exclude ?? [], comparesChangeTime: spec.ignoreChangeTime != true)
    return StepRequest(
      id: backup.runID, subject: subject, step: .volumeBackup, input: try StepRequest.encode(input),
      secrets: store.secrets, volumes: volumes)
  }

  private func filesParts(
    of backup: Backup
  ) async throws -> (store: DestinationAccess, place: String, served: ServedResource, subject: StepSubject) {
    let namespace = backup.metadata.namespace
    guard
      let destination = environment.stores.destinations[
        ObjectKey(namespace: namespace, name: backup.subject.destinationName)],
      let place = backup.subject.target.repositoryPrefix(namespace: namespace ?? ""),
      let served = ServedResource(backup.metadata), let subject = StepSubject(backup)
    else { throw VanishedResource() }
    return (try await DestinationAccess.read(destination, by: environment.secrets), place, served, subject)
  }
}
