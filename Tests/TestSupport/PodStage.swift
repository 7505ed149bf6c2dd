import Foundation

/// Plays what a cluster's own controllers and its kubelets do, in one namespace of an API server that has none: makes the
/// pods of Jobs and Deployments, tells how they are, and collects what is deleted in the foreground.
public struct PodStage: Sendable {
  /// How a pod's container is.
  public enum Container: Sendable {
    /// It waits, for a reason such as `ImagePullBackOff`.
    case waiting(reason: String, message: String)
    /// It runs.
    case running
    /// It has ended; `message` is the termination message.
    case ended(code: Int32, reason: String, message: String)
    /// It ended so, and waits to be started again.
    case crashLoop(code: Int32, message: String)
  }

  /// The server.
  public let kube: TestKube
  /// The namespace that is played.
  public let namespace: String

  /// A stage for a namespace.
  public init(_ kube: TestKube, namespace: String) { (self.kube, self.namespace) = (kube, namespace) }

  /// Makes a pod of `workload`, such as `job/NAME`, and gives the pod's name.
  public func makePod(of workload: String) async throws -> String {
    let object = try await json("get", workload)
    let metadata = object["metadata"] as? [String: Any] ?? [:]
    let template = (object["spec"] as? [String: Any])?["template"] as? [String: Any] ?? [:]
    var pod = template["metadata"] as? [String: Any] ?? [:]
    let name = "\(metadata["name"] ?? "")-\(UInt32.random(in: 0 ... .max))"
    pod["name"] = name
    pod["creationTimestamp"] = nil
    pod["ownerReferences"] = [
      [
        "apiVersion": object["apiVersion"] ?? "", "kind": object["kind"] ?? "", "name": metadata["name"] ?? "",
        "uid": metadata["uid"] ?? "", "controller": true,
      ] as [String: Any]
    ]
    try await create([
      "apiVersion": "v1", "kind": "Pod", "metadata": pod, "spec": template["spec"] ?? [:],
    ])
    return name
  }

  /// Tells how the container `step` of a pod is.
  public func set(_ pod: String, _ container: Container) async throws {
    var status: [String: Any] = [
      "name": "step", "image": "tidemark:dev", "imageID": "", "ready": false, "restartCount": 0,
    ]
    let phase: String
    switch container {
    case .waiting(let reason, let message):
      phase = "Pending"
      status["state"] = ["waiting": ["reason": reason, "message": message]]
    case .running:
      phase = "Running"
      status["state"] = ["running": [String: Any]()]
    case .ended(let code, let reason, let message):
      phase = code == 0 ? "Succeeded" : "Failed"
      status["state"] = ["terminated": ["exitCode": code, "reason": reason, "message": message] as [String: Any]]
    case .crashLoop(let code, let message):
      phase = "Running"
      status["state"] = ["waiting": ["reason": "CrashLoopBackOff", "message": "back-off 10s restarting"]]
      status["lastState"] = ["terminated": ["exitCode": code, "reason": "Error", "message": message] as [String: Any]]
    }
    try await patchStatus("pod/\(pod)", ["phase": phase, "containerStatuses": [status]])
  }

  /// Tells that a pod has ended for a reason of its node's: `Evicted`.
  public func evict(_ pod: String, message: String) async throws {
    try await patchStatus("pod/\(pod)", ["phase": "Failed", "reason": "Evicted", "message": message])
  }

  /// Tells that a Job is `Complete`, or `Failed` for a reason.
  public func end(_ job: String, failed reason: String? = nil, message: String = "") async throws {
    let condition = [
      "type": reason == nil ? "Complete" : "Failed", "status": "True", "reason": reason ?? "", "message": message,
    ]
    let status: [String: Any] = [reason == nil ? "succeeded" : "failed": 1, "conditions": [condition]]
    try await patchStatus("job/\(job)", status)
  }

  /// The names of the objects of a kind.
  public func names(_ kind: String) async throws -> [String] {
    try await kube.kubectl("--namespace", namespace, "get", kind, "-o", "jsonpath={.items[*].metadata.name}")
      .split(separator: " ").map(String.init)
  }

  /// Whether an object waits for what it owns to be collected.
  public func isDeleting(_ object: String) async throws -> Bool {
    try await !kube.kubectl(
      "--namespace", namespace, "get", object, "--ignore-not-found", "-o", "jsonpath={.metadata.deletionTimestamp}"
    ).isEmpty
  }

  /// What the garbage collector does: deletes the pods of a run, and lets go what was deleted in the foreground.
  public func collect(_ workload: String, run: String) async throws {
    try await kube.kubectl(
      "--namespace", namespace, "delete", "pod", "-l", "tidemark.dev/run=\(run)", "--grace-period=0", "--force")
    try await kube.kubectl(
      "--namespace", namespace, "patch", workload, "--type=merge", "-p", #"{"metadata":{"finalizers":null}}"#)
  }

  /// An object as JSON.
  public func json(_ command: String, _ object: String) async throws -> [String: Any] {
    let text = try await kube.kubectl("--namespace", namespace, command, object, "-o", "json")
    return try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] ?? [:]
  }

  private func create(_ object: [String: Any]) async throws {
    let data = try JSONSerialization.data(withJSONObject: object)
    let scratch = try ScratchDirectory("pod")
    try data.write(to: URL(filePath: scratch.file("pod.json")))
    try await kube.kubectl("--namespace", namespace, "create", "--filename", scratch.file("pod.json"))
    scratch.remove()
  }

  private func patchStatus(_ object: String, _ status: [String: Any]) async throws {
    let data = try JSONSerialization.data(withJSONObject: ["status": status])
    try await kube.kubectl(
      "--namespace", namespace, "patch", object, "--subresource=status", "--type=merge", "-p",
      String(decoding: data, as: UTF8.self))
  }
}
