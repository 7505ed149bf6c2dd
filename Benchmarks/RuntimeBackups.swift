import KubeClient
import KubeModel
import Logging
import TestSupport
import TidemarkAPI

/// The Backups of a benchmark: each as it is when it has completed, all in one namespace.
struct RuntimeBackups {
  let kube: TestKube
  let namespace: String
  let count: Int

  /// Enough to keep an API server on a few cores busy.
  private static let requestsAtOnce = 16

  func make() async throws {
    var settings = KubeClientSettings(userAgent: "tidemark-bench")
    settings.connectionLimit = Self.requestsAtOnce
    let client = try KubeClient(
      configuration: try .load(kubeconfig: kube.kubeconfig), settings: settings, logger: Logger(label: "bench"))
    let result: Result<Void, any Error>
    do { result = .success(try await make(client)) } catch { result = .failure(error) }
    await client.shutdown()
    try result.get()
  }

  /// Deletes them; a failure is said, and no more.
  func remove() async {
    say("runtime: deleting the Backups")
    do {
      try await kube.kubectl("delete", "--raw", "/apis/tidemark.dev/v1alpha1/namespaces/\(namespace)/backups")
      try await kube.kubectl("delete", "namespace", namespace, "--wait=false")
    } catch {
      say("the Backups in namespace \(namespace) are left behind: \(error)")
    }
  }

  private func make(_ client: KubeClient) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for first in 0..<min(Self.requestsAtOnce, count) {
        group.addTask {
          for number in stride(from: first, to: count, by: Self.requestsAtOnce) {
            var backup = try await client.create(Self.backup(named: "backup-\(number)", in: namespace))
            backup.status = Self.status(number)
            try await client.replaceStatus(backup, fieldManager: "tidemark-step")
          }
        }
      }
      try await group.waitForAll()
    }
  }

  /// A Backup as a schedule would make it.
  static func backup(named name: String, in namespace: String) -> Backup {
    var spec = BackupSpec(target: BackupTarget(database: "orders"), destinationName: "offsite-frankfurt")
    spec.method = .physical
    spec.expiresAfter = GoDuration(seconds: 30 * 86_400)
    let labels = ["app.kubernetes.io/part-of": "shop", "tidemark.dev/database": "orders"]
    return Backup(metadata: ObjectMeta(name: name, namespace: namespace, labels: labels), spec: spec)
  }

  /// What a completed base backup says.
  private static func status(_ number: Int) -> BackupStatus {
    let begin: Int64 = 1_767_225_600 + Int64(number) * 3600
    let (start, stop) = (Timestamp(secondsSince1970: begin), Timestamp(secondsSince1970: begin + 211))
    var bytes = BenchBytes(seed: UInt64(number) + 1)
    var status = BackupStatus()
    status.observedGeneration = 1
    status.conditions = [
      Condition(
        type: "Ready", status: .true, reason: "Completed", message: "The snapshot is durable in the destination.",
        observedGeneration: 1, lastTransitionTime: stop),
      Condition(
        type: "Reconciling", status: .false, reason: "Completed", message: "Nothing is left to do.",
        observedGeneration: 1, lastTransitionTime: stop),
    ]
    status.phase = .completed
    status.startedAt = start
    status.completedAt = stop
    status.attempts = 1
    status.snapshot = bytes.random(32).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    status.size = BackupSize(logical: 48_318_382_080, added: 912_261_120, stored: 304_087_040)
    status.progress = StepProgress(
      bytesDone: 48_318_382_080, bytesTotal: 48_318_382_080, filesDone: 1873, updatedAt: stop)
    status.postgres = PostgresBackupStatus(
      incarnation: "7f3c9a52d1e84b06", timeline: 1, startLSN: "2C/5A000028", stopLSN: "2C/5A1F3E90",
      startTime: MicroTime(start), stopTime: MicroTime(stop), systemIdentifier: "7401234567890123456",
      serverVersion: "15.10")
    return status
  }
}
