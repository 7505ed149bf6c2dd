import Foundation
import Glibc
import KubeClient
import KubeModel
import Steps
import Synchronization
import TestSupport
import TidemarkAPI

/// A Pod, with all that its spec says.
struct WholePod: KubeStatusResource {
  static let resource = Pod.resource

  var metadata: ObjectMeta
  var spec: JSONValue?
  var status: JSONValue?
}

/// Plays the StatefulSet controller and the kubelet for the instances of one namespace, where an API server stands
/// alone: pods are made of the templates, and their servers run as processes of this machine, with the arguments and
/// files that the pods would have.
actor InstanceKubelet {
  private struct Server {
    var program: RunningProgram
    var pod: ObjectKey
  }

  private let client: KubeClient
  private let namespace: String
  private let scratch: ScratchDirectory
  private let binaries: String
  private var servers: [String: Server] = [:]
  private var restarts: [String: Int] = [:]
  private let ports = Mutex<[String: Int]>([:])

  init(_ client: KubeClient, namespace: String, binaries: String) throws {
    (self.client, self.namespace, self.binaries) = (client, namespace, binaries)
    scratch = try ScratchDirectory("kubelet")
    try FileManager.default.createDirectory(atPath: scratch.file("volumes"), withIntermediateDirectories: true)
  }

  /// Where the instance's server listens.
  nonisolated func endpoint(of id: InstanceID) -> Endpoint {
    let port = ports.withLock { ports in
      let port = ports[id.name] ?? (try? FreePort.find()) ?? 0
      ports[id.name] = port
      return port
    }
    return Endpoint(host: "127.0.0.1", port: port)
  }

  /// Looks around until it is cancelled.
  func work() async throws {
    while !Task.isCancelled {
      try await lookAround()
      try await Task.sleep(for: .milliseconds(100))
    }
  }

  /// Ends all servers.
  func end() async throws {
    for name in servers.keys { try await stop(name) }
    scratch.remove()
  }

  /// Puts a data directory onto the volume of a claim.
  func fill(_ claim: String, with data: String) async throws {
    try FileManager.default.createDirectory(atPath: volume(claim), withIntermediateDirectories: true)
    try await RunningProgram.run("cp", ["-a", data, "\(volume(claim))/data"])
  }

  /// The directory that is the volume of a claim.
  nonisolated func volume(_ claim: String) -> String { scratch.file("volumes/\(claim)") }

  // MARK: The StatefulSet controller

  private func lookAround() async throws {
    let sets = try await client.listAll(StatefulSet.self, namespace: namespace).items
    for set in sets { try await look(at: set) }
    let wanted = Set(sets.map(\.key.name))
    for name in servers.keys where !wanted.contains(name) { try await stop(name) }
  }

  private func look(at set: StatefulSet) async throws {
    let name = set.key.name
    if let server = servers[name] {
      if set.replicas == 0 {
        try await stop(name)
      } else if !server.program.isRunning {
        servers[name] = nil
        restarts[name, default: 0] += 1
        try await report(server.pod, name, state: Self.crashed, last: Self.terminated(server.program.errors))
      }
    } else if set.replicas > 0, restarts[name, default: 0] < 4 {
      try await start(set)
    }
  }

  private func stop(_ name: String) async throws {
    guard let server = servers[name] else { return }
    server.program.signal(SIGINT)
    try await server.program.wait(within: .seconds(60))
    _ = try await client.deleteIfPresent(WholePod.self, server.pod, options: DeleteOptions(gracePeriodSeconds: 0))
    (servers[name], restarts[name]) = (nil, nil)
  }

  // MARK: The kubelet

  private func start(_ set: StatefulSet) async throws {
    let name = set.key.name
    let pod = ObjectKey(namespace: namespace, name: "\(name)-0")
    let labels = try set.spec?["template"]?["metadata"]?["labels"].map {
      try JSONDecoder().decode([String: String].self, from: JSONEncoder().encode($0))
    }
    do {
      try await client.create(
        WholePod(
          metadata: ObjectMeta(name: pod.name, namespace: namespace, labels: labels ?? [:]),
          spec: set.spec?["template"]?["spec"]))
    } catch let error as KubeError where error.isAlreadyExists {
      // It is being started again.
    }
    try await mount(name)
    let program = try startServer(try arguments(of: set))
    servers[name] = Server(program: program, pod: pod)
    try await report(pod, name, state: ["running": [:]], last: nil)
  }

  /// Puts the Secret and the ConfigMap where the pod would have them.
  private func mount(_ name: String) async throws {
    let certificates = try await client.get(Secret.self, ObjectKey(namespace: namespace, name: "\(name)-tls"))
    let map = try await client.get(ConfigMap.self, ObjectKey(namespace: namespace, name: name))
    for folder in ["tls", "config", "run"] {
      try FileManager.default.createDirectory(atPath: file(name, folder), withIntermediateDirectories: true)
    }
    for (field, bytes) in certificates.data where field != "ca.key" { try write(bytes, to: file(name, "tls/\(field)")) }
    for (field, text) in map.data ?? [:] { try write(Data(text.utf8), to: file(name, "config/\(field)")) }
    if geteuid() == 0 {
      try await RunningProgram.run("chown", ["-R", "postgres:", scratch.file(name), scratch.file("volumes")])
    }
  }

  private func write(_ bytes: Data, to path: String) throws {
    try bytes.write(to: URL(filePath: path))
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
  }

  private func file(_ name: String, _ path: String) -> String { scratch.file("\(name)/\(path)") }

  /// What the container would be started with, with the paths of this machine.
  private func arguments(of set: StatefulSet) throws -> [String] {
    let name = set.key.name
    guard case .array(let containers)? = set.spec?["template"]?["spec"]?["containers"],
      case .array(let arguments)? = containers.first?["args"], let claim = set.claims["instance"]
    else { throw TestFailed("\(name) is no instance's StatefulSet") }
    let places = [
      "/tidemark/instance": volume(claim), "/tidemark/tls": file(name, "tls"), "/tidemark/config": file(name, "config"),
      "/tidemark/run": "", "port=5432": "port=\(endpoint(of: InstanceID(namespace: namespace, name: name)).port)",
      "listen_addresses=*": "listen_addresses=127.0.0.1",
    ]
    return arguments.compactMap(\.text).map { argument in
      places.reduce(argument) { $0.replacing($1.key, with: $1.value) }
    } + ["-c", "fsync=off"]
  }

  private func startServer(_ arguments: [String]) throws -> RunningProgram {
    let postgres = "\(binaries)/postgres"
    guard geteuid() == 0 else { return try RunningProgram.start(postgres, arguments, directory: "/") }
    let identity = ["--reuid=postgres", "--regid=postgres", "--init-groups"]
    return try RunningProgram.start("setpriv", identity + [postgres] + arguments, directory: "/")
  }

  // MARK: What it says

  private static let crashed: JSONValue = [
    "waiting": ["reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"]
  ]

  private static func terminated(_ errors: String) -> JSONValue {
    [
      "terminated": [
        "exitCode": 1, "reason": "Error", "message": .string(String(errors.suffix(2000))),
        "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:01Z",
      ]
    ]
  }

  private func report(_ pod: ObjectKey, _ name: String, state: JSONValue, last: JSONValue?) async throws {
    var container: [String: JSONValue] = [
      "name": "postgresql", "image": "postgres:15", "imageID": "postgres", "ready": true,
      "restartCount": .integer(Int64(restarts[name, default: 0])), "state": state,
    ]
    container["lastState"] = last
    try await client.applyStatus(
      WholePod.self, pod, status: ["phase": "Running", "containerStatuses": [.object(container)]] as JSONValue,
      fieldManager: "kubelet", conflicts: .force)
  }
}
