import Controllers
import Foundation
import KubeClient
import KubeModel
import KubeRuntime
import Logging
import Steps
import Synchronization
import TestSupport
import Testing
import TidemarkAPI

@Suite("Who is woken by a run in a cluster")
struct ClusterRunsTests {
  private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  @Test("a Job that ends, and a pod that can't begin, wake whom they serve, and a cache knows what runs")
  func wakes() async throws {
    let kube = try await TestServers.kube()
    let client = try KubeClient(configuration: .load(kubeconfig: kube.kubeconfig), logger: Self.quiet)
    let namespace = try await kube.makeNamespace("runs")
    let runtime = Runtime(client: client, namespaces: .only([namespace]), logger: Self.quiet)
    let runs = ClusterRuns(
      runtime: runtime, client: client, settings: KubernetesStepSettings(image: "tidemark:dev"),
      namespaces: [namespace], logger: Self.quiet)
    let (backups, clones) = (Woken(), Woken())
    runtime.add(Self.controller("backup", backups, runs, serving: Backup.self))
    runtime.add(Self.controller("clone", clones, runs, serving: PITRClone.self))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await runtime.run() }
      defer { group.cancelAll() }
      try await Self.story(runs.runner, PodStage(kube, namespace: namespace), runtime, backups)
    }
    #expect(clones.count(of: "nightly") == 0)
    await client.shutdown()
  }

  private static func story(
    _ runner: KubernetesStepRunner, _ stage: PodStage, _ runtime: Runtime, _ backups: Woken
  ) async throws {
    try await eventually("the runtime is ready") { runtime.isReady }
    let id = StepID(namespace: stage.namespace, name: "base-backup-1")
    try await runner.start(
      StepRequest(
        id: id,
        subject: StepSubject(
          apiVersion: TidemarkGroup.apiVersion, kind: "Backup", name: "nightly", uid: "1", bond: .outlives),
        step: .baseBackup, input: Array("{}".utf8), secrets: [:]))
    try await eventually("its start is seen") { backups.count(of: "nightly") > 0 }
    let pod = try await stage.makePod(of: "job/\(id.name)")
    try await wakes(backups, "the pod can't begin") {
      try await stage.set(pod, .waiting(reason: "ImagePullBackOff", message: "no such image"))
    }
    try await stage.set(pod, .ended(code: 0, reason: "Completed", message: #"{"done":{"_0":{"nothing":{}}}}"#))
    try await wakes(backups, "the Job ended") { try await stage.end(id.name) }
    #expect(try await runner.state(of: id) == .ended(.done(.nothing)))
    try await wakes(backups, "the Job is gone") { try await runner.discard(id) }
    #expect(try await runner.state(of: id) == .absent)
  }

  private static func wakes(_ woken: Woken, _ what: String, _ body: () async throws -> Void) async throws {
    let before = woken.count(of: "nightly")
    try await body()
    try await eventually("somebody is told that \(what)") { woken.count(of: "nightly") > before }
  }

  private static func controller<Served: KubeResource>(
    _ name: String, _ woken: Woken, _ runs: ClusterRuns, serving kind: Served.Type
  ) -> Controller {
    let controller = Controller(name: name, reconciler: woken, logger: quiet)
    runs.wake(controller, serving: kind)
    return controller
  }
}

/// A reconciler that only counts.
private final class Woken: Reconciler {
  private let counts = Mutex<[String: Int]>([:])

  func count(of name: String) -> Int { counts.withLock { $0[name] ?? 0 } }

  func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    counts.withLock { $0[key.name, default: 0] += 1 }
    return .done
  }
}
