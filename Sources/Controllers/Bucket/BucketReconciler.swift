import KubeClient
public import KubeModel
public import KubeRuntime
import Steps
import TidemarkAPI

/// Keeps Buckets looked at: they are listed at every change and every `validationInterval`. Nothing is written to them.
public struct BucketReconciler: Reconciler {
  private let environment: ControllerEnvironment

  /// A reconciler in this environment.
  public init(_ environment: ControllerEnvironment) { self.environment = environment }

  public func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    guard let bucket = environment.stores.buckets[key], !bucket.metadata.isDeleting else { return .done }
    let (health, pause) = try await look(at: bucket)
    var status = bucket.status ?? BucketStatus()
    var conditions = status.conditions ?? []
    let before = conditions[type: ConditionType.ready]
    conditions.report(health, generation: bucket.metadata.generation, now: .now)
    status.conditions = conditions
    status.observedGeneration = bucket.metadata.generation
    status.endpoint = try? DestinationEndpoint.resolve(bucket.spec.connection).url
    if case .ready = health { status.lastValidated = .now }
    status.lastBackup = environment.stores.newestBackup(of: bucket)
    _ = try await environment.statuses.applyIfChanged(status, to: bucket)
    if let now = conditions[type: ConditionType.ready], now.reason != before?.reason {
      environment.events.record(
        now.status == .true ? .normal : .warning, now.reason, now.message, about: bucket)
    }
    return pause.map { .requeue(after: $0) } ?? .done
  }

  /// How the bucket is, and when to look again.
  private func look(at bucket: Bucket) async throws -> (Health, Duration?) {
    let problems = bucket.spec.problems()
    guard problems.isEmpty else { return (.stalled(reason: Reason.invalidSpec, message: problems.summary), nil) }
    guard !bucket.spec.connection.suspend else {
      return (.stalled(reason: Reason.suspended, message: "spec.suspend is true; set it to false"), nil)
    }
    do {
      let access = try await DestinationAccess.read(bucket, by: environment.secrets)
      try await BucketProbe(store: access.input, secrets: access.secrets).run()
      return (
        .ready(reason: Reason.validated, message: "it can be listed"),
        bucket.spec.connection.validationInterval.duration
      )
    } catch let missing as MissingSecret {
      return (missing.health, DestinationPlan.retryInterval)
    } catch let failed as FailedProbe {
      return (.progressing(reason: failed.reason, message: failed.message), DestinationPlan.retryInterval)
    } catch let error as StepError where error.code == .invalidInput {
      return (.stalled(reason: Reason.invalidSpec, message: error.message), nil)
    }
  }
}

extension Stores {
  /// The name of the newest Completed Backup of a bucket.
  fileprivate func newestBackup(of bucket: Bucket) -> String? {
    backups(of: BackupTarget(bucket: bucket.metadata.name ?? ""), in: bucket.metadata.namespace)
      .filter { $0.status?.phase == .completed }.max { $0.ended < $1.ended }?.metadata.name
  }
}
