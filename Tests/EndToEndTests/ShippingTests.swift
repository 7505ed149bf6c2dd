import Foundation
import TestSupport
import Testing

/// What a user applies as it lies in the repository: held against a real API server, Helm and promtool.
@Suite("What is shipped")
struct ShippingTests {
  @Test("the file that installs everything is what its parts say, and the API server takes it")
  func installs() async throws {
    try await RunningProgram.run(checkout("hack/manifests"), ["--check"], within: .seconds(60))
    let kube = try await TestServers.kube()
    try await kube.kubectl("apply", "-f", checkout("manifests/install.yaml"))
    // An upgrade is the same command again.
    try await kube.kubectl("apply", "-f", checkout("manifests/install.yaml"))
    let replicas = try await kube.kubectl(
      "get", "deployment", "tidemark", "-n", "tidemark-system", "-o", "jsonpath={.spec.replicas}")
    #expect(replicas == "2")
  }

  @Test("each sample is taken by the API server", arguments: ["s3", "r2", "backblaze", "minio"])
  func samples(_ name: String) async throws {
    let kube = try await TestServers.kube()
    try await kube.kubectl("apply", "-f", checkout("crds"))
    try await kube.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    let namespace = try await kube.makeNamespace("sample")
    let sample = checkout("manifests/samples/\(name).yaml")
    // The strictest check that kubectl has: unknown fields are refused too.
    let said = try await kube.kubectl("apply", "--validate=strict", "--namespace", namespace, "-f", sample)
    #expect(said.contains("database.tidemark.dev/shop created"))
    #expect(said.contains("backupschedule.tidemark.dev/shop-nightly created"))
  }

  @Test("Helm has nothing to say about the chart, and the API server takes it", arguments: ChartValues.all)
  func chart(_ values: ChartValues) async throws {
    let chart = checkout("charts/tidemark")
    let options = values.settings.flatMap { ["--set", $0] }
    let helm = checkout("hack/helm")
    try await RunningProgram.run(helm, ["lint", "--strict", chart] + options, within: .seconds(300))
    let manifest = try await RunningProgram.run(
      helm, ["template", "tidemark", chart, "--namespace", "default"] + options, within: .seconds(60)
    ).output
    for part in values.has { #expect(manifest.contains(part), "\(part) is missing") }
    let kube = try await TestServers.kube()
    for namespace in values.namespaces {
      try await kube.kubectl("apply", "-f", writeNamespace(namespace))
    }
    try await ScratchDirectory.with("chart") { scratch in
      let file = scratch.file("chart.yaml")
      try manifest.write(toFile: file, atomically: true, encoding: .utf8)
      try await kube.kubectl("apply", "--dry-run=server", "-f", file)
    }
  }

  @Test("uninstalling the chart leaves the definitions, and so all resources, in the cluster")
  func uninstalling() async throws {
    let kube = try await TestKube.start()
    do {
      try await uninstall(from: kube)
    } catch {
      try await kube.remove()
      throw error
    }
    try await kube.remove()
  }

  private func uninstall(from kube: TestKube) async throws {
    let (helm, chart) = (checkout("hack/helm"), checkout("charts/tidemark"))
    let access = ["--kubeconfig", kube.kubeconfig, "--namespace", "default"]
    try await RunningProgram.run(helm, ["install", "tidemark", chart] + access, within: .seconds(120))
    try await kube.kubectl("apply", "-f", checkout("manifests/samples/s3.yaml"))
    try await RunningProgram.run(
      helm, ["upgrade", "tidemark", chart, "--set", "replicas=1"] + access, within: .seconds(120))
    try await RunningProgram.run(helm, ["uninstall", "tidemark"] + access, within: .seconds(120))
    #expect(try await kube.kubectl("get", "database", "shop", "-o", "name") == "database.tidemark.dev/shop\n")
    #expect(try await kube.kubectl("get", "deployments", "-A", "-o", "name").isEmpty)
    // And it can be installed again, over the definitions that are there.
    try await RunningProgram.run(helm, ["install", "tidemark", chart] + access, within: .seconds(120))
  }

  @Test("values of the wrong type are refused with their name")
  func wrongValues() async throws {
    await #expect(throws: (any Error).self) {
      try await RunningProgram.run(
        checkout("hack/helm"), ["template", checkout("charts/tidemark"), "--set", "replicas=many"], within: .seconds(60)
      )
    }
    await #expect(throws: (any Error).self) {
      try await RunningProgram.run(
        checkout("hack/helm"), ["template", checkout("charts/tidemark"), "--set", "replica=2"], within: .seconds(60))
    }
  }

  @Test("alerts fire when they should, and not before")
  func alerts() async throws {
    let told = try await RunningProgram.run(
      "promtool", ["test", "rules", checkout("manifests/monitoring/alerts_test.yaml")], within: .seconds(60)
    ).output
    #expect(told.contains("SUCCESS"))
  }

  @Test("the dashboard asks for metrics that alerts know or the runtime has")
  func dashboard() throws {
    let data = try Data(contentsOf: URL(filePath: checkout("manifests/monitoring/dashboard.json")))
    let dashboard = try JSONDecoder().decode(Dashboard.self, from: data)
    let expressions = dashboard.panels.flatMap { $0.targets ?? [] }.map(\.expr)
    #expect(expressions.count >= 10)
    #expect(Set(dashboard.panels.map(\.id)).count == dashboard.panels.count)
  }

  private struct Dashboard: Decodable {
    struct Target: Decodable { var expr: String }
    struct Panel: Decodable {
      var id: Int
      var targets: [Target]?
    }
    var panels: [Panel]
  }

  /// A path in the checkout that this was built from.
  private func checkout(_ path: String, here: String = #filePath) -> String {
    here.split(separator: "/").dropLast(3).map { "/" + $0 }.joined() + "/" + path
  }

  private func writeNamespace(_ name: String) throws -> String {
    let file = try ScratchDirectory("namespace").file("namespace.yaml")
    try "apiVersion: v1\nkind: Namespace\nmetadata: { name: \(name) }\n"
      .write(toFile: file, atomically: true, encoding: .utf8)
    return file
  }
}

/// A way to install the chart, and what has to be in what it makes.
struct ChartValues: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let settings: [String]
  let namespaces: [String]
  let has: [String]

  static let all = [
    ChartValues(
      testDescription: "defaults", settings: [], namespaces: [],
      has: ["helm.sh/resource-policy: keep", "--leader-elect", "kind: ClusterRoleBinding"]),
    ChartValues(
      testDescription: "two namespaces", settings: ["watchNamespaces={shop,blog}"], namespaces: ["shop", "blog"],
      has: ["--namespace=shop", "--namespace=blog", "namespace: \"blog\""]),
    ChartValues(
      testDescription: "REST over TLS, and a template for steps",
      settings: [
        "rest.enabled=true", "rest.tlsSecret=api-tls", "rest.serviceKeysSecret=default/keys",
        "podTemplate.spec.nodeSelector.disk=fast", "image.pullSecrets={registry}",
      ], namespaces: [],
      has: [
        "name: tidemark-rest", "--rest-tls-cert=/etc/tidemark/tls/tls.crt", "disk: fast", "--pod-template=",
        "name: registry",
      ]),
  ]
}
