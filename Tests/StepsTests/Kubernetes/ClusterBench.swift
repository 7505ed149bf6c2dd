import Foundation
import KubeClient
import KubeModel
import Logging
import Steps
import TestSupport
import TidemarkAPI

/// A namespace of a real API server, with a runner of steps there, and the test in the role of the cluster's controllers.
struct ClusterBench: Sendable {
  static let secret = "AKIA-\(UInt64.random(in: 0 ... .max))"

  let kube: TestKube
  let client: KubeClient
  let namespace: String
  let runner: KubernetesStepRunner
  /// A ConfigMap that steps serve: any object with a uid will do.
  private let served: ConfigMap

  var stage: PodStage { PodStage(kube, namespace: namespace) }

  static func with(_ body: (ClusterBench) async throws -> Void) async throws {
    let kube = try await TestServers.kube()
    let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let client = try KubeClient(configuration: .load(kubeconfig: kube.kubeconfig), logger: quiet)
    let namespace = try await kube.makeNamespace("runner")
    let served = try await client.create(ConfigMap(metadata: ObjectMeta(name: "nightly", namespace: namespace)))
    let bench = ClusterBench(
      kube: kube, client: client, namespace: namespace,
      runner: KubernetesStepRunner(
        client: client, settings: KubernetesStepSettings(image: "tidemark:dev"), namespaces: [namespace],
        logger: quiet),
      served: served)
    do {
      try await body(bench)
    } catch {
      await client.shutdown()
      throw error
    }
    await client.shutdown()
  }

  /// The runner of another controller.
  func reborn(
    image: String = "tidemark:dev", template: PodTemplate = .empty, stopBound: Duration = .seconds(90),
    mayExist: @escaping @Sendable (StepID) -> Set<StepWorkloadKind> = { _ in [.job, .deployment] }
  ) -> KubernetesStepRunner {
    KubernetesStepRunner(
      client: client, settings: KubernetesStepSettings(image: image, template: template), namespaces: [namespace],
      mayExist: mayExist, stopBound: stopBound, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  func request(
    _ name: String = "base-backup-1", _ step: StepName = .baseBackup, uid: String? = nil
  ) -> StepRequest {
    StepRequest(
      id: StepID(namespace: namespace, name: name),
      subject: StepSubject(
        apiVersion: "v1", kind: "ConfigMap", name: "nightly", uid: uid ?? served.metadata.uid ?? "",
        bond: step == .forget ? .outlives : .owned),
      step: step, input: Array(#"{"a":1}"#.utf8), secrets: ["access-key-id": Array(Self.secret.utf8)])
  }
}
