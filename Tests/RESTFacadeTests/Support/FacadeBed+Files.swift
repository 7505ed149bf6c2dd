import KubeClient
import KubeModel
import TestSupport
import TidemarkAPI

/// Workloads, Buckets and backups of their content.
extension FacadeBed {
  func makeWorkload(_ name: String) async throws {
    try await kube.apply(
      """
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: \(name)}
      spec:
        selector: {matchLabels: {app: \(name)}}
        template:
          metadata: {labels: {app: \(name)}}
          spec: {containers: [{name: web, image: web}]}
      """, namespace: namespace)
  }

  @discardableResult
  func makeBucket(_ name: String) async throws -> Bucket {
    var connection = BackupDestinationSpec(
      provider: .custom, bucket: "acme-\(name)", credentials: DestinationCredentials(secretName: "\(name)-keys"))
    connection.endpoint = "http://127.0.0.1:9"
    return try await client.create(
      Bucket(metadata: ObjectMeta(name: name, namespace: namespace), spec: BucketSpec(connection: connection)))
  }

  /// A Completed Backup of the volume `data` of a Deployment.
  @discardableResult
  func makeVolumeBackup(_ name: String, of workload: String) async throws -> Backup {
    let target = BackupTarget(application: WorkloadReference(kind: "Deployment", name: workload))
    let made = try await client.create(
      Backup(
        metadata: ObjectMeta(name: name, namespace: namespace),
        spec: BackupSpec(target: target, destinationName: "offsite")))
    var status = BackupStatus()
    status.phase = .completed
    status.snapshot = String(repeating: "ab", count: 32)
    status.snapshots = [
      FilesSnapshot(claim: "data", snapshot: String(repeating: "ab", count: 32), files: 3, bytes: 300)
    ]
    return try await client.applyStatus(
      Backup.self, made.key, status: status, fieldManager: "test", conflicts: .force)
  }
}
