import Foundation
import KubeClient
import KubeModel
import Logging
import Steps
import TestSupport
import TidemarkAPI

/// A namespace of the real API server, a host of instances in it, and who plays the kubelet there.
struct InstanceBed: Sendable {
  let kube: TestKube
  let namespace: String
  let client: KubeClient
  let kubelet: InstanceKubelet
  /// A server that was stopped: what instances are restored from. Its superuser's password is known.
  let source: TestPostgres
  /// The source's role with REPLICATION, with a password that it does not have there.
  var role: InstanceRole {
    InstanceRole(username: source.replicationUser, password: "a newer's \\ one", database: "shop")
  }

  /// Runs `body` with a bed, and ends all of it after.
  static func with(_ body: (InstanceBed) async throws -> Void) async throws {
    let kube = try await TestServers.kube()
    let namespace = try await kube.makeNamespace("instances")
    // The API server admits no pod without it, and the controller that makes it does not run here.
    try await kube.kubectl("--namespace", namespace, "create", "serviceaccount", "default")
    let source = try await TestPostgres.start()
    try await source.psql("CREATE DATABASE shop")
    let client = try KubeClient(
      configuration: .load(kubeconfig: kube.kubeconfig), logger: Logger(label: "test"))
    let bed = InstanceBed(
      kube: kube, namespace: namespace, client: client,
      kubelet: try InstanceKubelet(client, namespace: namespace, binaries: source.binaries), source: source)
    let kubelet = Task { try await bed.kubelet.work() }
    do {
      try await body(bed)
      try await bed.end(kubelet)
    } catch {
      try? await bed.end(kubelet)
      throw error
    }
  }

  private func end(_ work: Task<Void, any Error>) async throws {
    work.cancel()
    let outcome = await work.result
    try await kubelet.end()
    try await source.remove()
    await client.shutdown()
    if case .failure(let error) = outcome, !(error is CancellationError) { throw error }
  }

  /// A host as a controller that was just started has it.
  var host: KubernetesInstanceHost {
    let kubelet = kubelet
    return KubernetesInstanceHost(
      client: client, settings: InstanceSettings(programImage: "tidemark:test"), stopBound: .seconds(60),
      reach: { kubelet.endpoint(of: $0) }, logger: Logger(label: "test"))
  }

  func id(_ name: String) -> InstanceID { InstanceID(namespace: namespace, name: name) }

  /// Makes an instance whose data are the source's, which has to be stopped, as a restore would leave them: with
  /// `note` in the file `note`, and to be recovered.
  @discardableResult
  func restore(_ name: String, note: String = "", wish: InstanceWish = InstanceWish(database: "shop")) async throws
    -> InstancePlace
  {
    let place = try await host.reserve(id(name), wish)
    let claim = place.volume?.claim ?? ""
    try await kubelet.fill(claim, with: source.dataDirectory)
    let data = "\(kubelet.volume(claim))/data"
    try note.write(toFile: "\(data)/note", atomically: true, encoding: .utf8)
    try "".write(toFile: "\(data)/recovery.signal", atomically: true, encoding: .utf8)
    try "restore_command = 'false'\nrecovery_target_timeline = 'current'\n".write(
      toFile: "\(data)/postgresql.auto.conf", atomically: true, encoding: .utf8)
    return place
  }

  /// Waits until the instance takes connections.
  func running(_ name: String) async throws -> RunningInstance {
    try await eventually(within: .seconds(90), every: .milliseconds(200), "\(name) takes connections") {
      guard case .running(let instance) = try await host.state(of: id(name), as: role) else { return nil }
      return instance
    }
  }

  func kubectl(_ arguments: String...) async throws -> String {
    let command = kube.kubectlCommand + ["--namespace", namespace] + arguments
    return try await RunningProgram.run(command[0], Array(command.dropFirst())).output
  }

  /// Runs a statement in the instance as a client, and gives its only value.
  func psql(
    _ instance: RunningInstance, _ statement: String, user: String, password: String, database: String = "shop",
    sslMode: String = "prefer"
  ) async throws -> String {
    let environment = [
      "PGHOST": instance.endpoint.host, "PGPORT": "\(instance.endpoint.port)", "PGUSER": user, "PGPASSWORD": password,
      "PGDATABASE": database, "PGSSLMODE": sslMode, "PGCONNECT_TIMEOUT": "10",
    ]
    return try await RunningProgram.run(
      "\(source.binaries)/psql", ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement],
      environment: environment
    ).output.trimmingCharacters(in: .newlines)
  }
}
