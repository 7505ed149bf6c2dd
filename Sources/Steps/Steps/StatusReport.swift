import KubeClient
import KubeModel
import Logging
import Synchronization
import TidemarkAPI

/// Writes what a step reports to the status of the resource that it serves, by server-side apply.
///
/// Reports replace each other: at most one waits, and the newest wins. A report that can't be written is logged and
/// dropped: the step's work does not hang on it, and its result reaches the controller by the result's file as well.
struct StatusReport<Resource: KubeStatusResource>: Sendable where Resource.Status: Equatable {
  private let reports: AsyncStream<Resource.Status>.Continuation

  /// Tells a new state; never waits.
  func tell(_ status: Resource.Status) { reports.yield(status) }

  /// Runs `body` with a report for `served`, and writes the last one before it returns.
  ///
  /// Reports are written at most once in `interval`.
  static func with<Value: Sendable>(
    _ served: ServedResource, _ cluster: ClusterAccess, every interval: Duration, logger: Logger,
    _ body: @Sendable (StatusReport) async throws -> Value
  ) async throws -> Value {
    let client = try KubeClient(configuration: .load(kubeconfig: cluster.kubeconfig), logger: logger)
    let (stream, continuation) = AsyncStream.makeStream(
      of: Resource.Status.self, bufferingPolicy: .bufferingNewest(1))
    let report = StatusReport(reports: continuation)
    do {
      let value = try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await Self.write(stream, served, client, interval, logger) }
        defer { continuation.finish() }
        return try await body(report)
      }
      await client.shutdown()
      return value
    } catch {
      await client.shutdown()
      throw error
    }
  }

  /// After how long an unchanged state is written again.
  private static var renewal: Duration { .seconds(60) }

  private static func write(
    _ stream: AsyncStream<Resource.Status>, _ served: ServedResource, _ client: KubeClient, _ interval: Duration,
    _ logger: Logger
  ) async {
    let key = ObjectKey(namespace: served.namespace, name: served.name)
    var last: (status: Resource.Status, at: ContinuousClock.Instant)?
    for await status in stream {
      // What did not change is written again after a while: somebody may have removed it.
      if let last, last.status == status, .now - last.at < renewal { continue }
      do {
        try await client.applyStatus(
          Resource.self, key, status: status, fieldManager: TidemarkGroup.stepFieldManager, conflicts: .force,
          uid: served.uid)
        last = (status, .now)
      } catch {
        logger.warning("status not written", metadata: ["resource": "\(key)", "error": "\(error)"])
      }
      // A cancelled sleep only means that the last report is written at once.
      try? await Task.sleep(for: interval)
    }
  }
}
