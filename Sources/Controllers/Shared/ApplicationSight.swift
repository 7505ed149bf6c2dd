import KubeClient
import KubeModel
import Steps
import TidemarkAPI

/// What is seen of an application and its volumes.
package struct ApplicationSight: Sendable, Equatable {
  /// One of its claims.
  package struct Claim: Sendable, Equatable {
    package var name: String
    /// Where it is, as a directory of a node; nil for volumes of other kinds.
    package var directory: String?
    /// Why it can't be used; nil where it can.
    package var problem: String?

    package init(name: String, directory: String? = nil, problem: String? = nil) {
      (self.name, self.directory, self.problem) = (name, directory, problem)
    }
  }

  /// How many replicas it is to have; nil for a DaemonSet.
  package var replicas: Int?
  /// How many pods of it there are.
  package var pods: Int
  /// The uid of the RestoreRequest or Backup that it is scaled down for.
  package var scaledDownFor: String?
  /// In the order of their names.
  package var claims: [Claim]

  package init(replicas: Int?, pods: Int, scaledDownFor: String? = nil, claims: [Claim]) {
    (self.replicas, self.pods, self.scaledDownFor, self.claims) = (replicas, pods, scaledDownFor, claims)
  }

  /// What has to be waited for until no pod of it is there, and it is scaled down for the resource of this uid.
  enum Stillness: Equatable {
    /// It has to be scaled down first.
    case running
    /// So many pods have not ended.
    case ending(pods: Int)
    case still
  }

  /// Whether it is still, for the resource of this uid.
  func stillness(for uid: String?) -> Stillness {
    guard let uid, scaledDownFor == uid else { return .running }
    return pods == 0 ? .still : .ending(pods: pods)
  }

  /// The claims that `names` names, by default all; or why there is none to be had.
  func wanted(_ names: [String]?, of application: String) -> Result<[Claim], MissingVolumes> {
    let unknown = (names ?? []).filter { name in !claims.contains { $0.name == name } }
    guard unknown.isEmpty else {
      return .failure(
        MissingVolumes(
          message: "\(application) has no claim \(unknown.joined(separator: ", ")); it has "
            + (claims.isEmpty ? "none" : claims.map(\.name).joined(separator: ", "))))
    }
    let wanted = claims.filter { names?.contains($0.name) ?? true }
    guard !wanted.isEmpty else {
      return .failure(MissingVolumes(message: "\(application) has no PersistentVolumeClaims, so nothing to back up"))
    }
    let problems = wanted.compactMap { claim in claim.problem.map { "claim \(claim.name) \($0)" } }
    guard problems.isEmpty else { return .failure(MissingVolumes(message: problems.joined(separator: "; "))) }
    return .success(wanted)
  }
}

/// Why volumes can't be had now.
struct MissingVolumes: Error, Equatable {
  let message: String

  var health: Health { .progressing(reason: Reason.volumesNotFound, message: message) }
}

extension ApplicationSight.Claim {
  /// Where a step's pod mounts the claim.
  var mountPath: String { "/volumes/\(name)" }

  /// The volume for a run.
  func volume(_ access: StepVolume.Access) -> StepVolume {
    // It has no owner of ours: files of any user are read, and get their owners back.
    StepVolume(claim: name, mountPath: mountPath, access: access, directory: directory)
  }
}

/// Reads applications and their volumes from the API server, and scales them. None of it is cached: it is read when it
/// is needed.
struct Applications: Sendable {
  let client: KubeClient

  /// The workload, its claims and where they are; nil where there is no such workload.
  func find(_ reference: WorkloadReference, in namespace: String?) async throws -> ApplicationSight? {
    let key = ObjectKey(namespace: namespace, name: reference.name)
    switch reference.kind {
    case DeploymentApplication.resource.kind: return try await find(DeploymentApplication.self, key)
    case StatefulSetApplication.resource.kind: return try await find(StatefulSetApplication.self, key)
    case DaemonSetApplication.resource.kind: return try await find(DaemonSetApplication.self, key)
    default: return nil
    }
  }

  private func find<Workload: ApplicationWorkload>(
    _ type: Workload.Type, _ key: ObjectKey
  ) async throws -> ApplicationSight? {
    guard let workload = try await client.find(type, key) else { return nil }
    let there = try await client.listAll(PersistentVolumeClaim.self, namespace: key.namespace).items
    let byName = Dictionary(there.map { ($0.metadata.name ?? "", $0) }) { first, _ in first }
    var claims: [ApplicationSight.Claim] = []
    for name in workload.claimNames(among: byName.keys).sorted() {
      claims.append(try await sight(of: byName[name], name))
    }
    return ApplicationSight(
      replicas: workload.spec.replicas, pods: try await pods(of: workload, key.namespace),
      scaledDownFor: workload.metadata.annotations[TidemarkAnnotation.scaledDownFor], claims: claims)
  }

  /// What is seen of a claim that is to be filled beside the application: one that a pod uses is no place for that.
  func spareClaim(_ name: String, in namespace: String?) async throws -> ApplicationSight.Claim {
    let claim = try await client.find(PersistentVolumeClaim.self, ObjectKey(namespace: namespace, name: name))
    var sight = try await sight(of: claim, name)
    if claim != nil, let user = try await user(of: name, in: namespace) {
      sight.problem = "is used by pod \(user), whose files would be replaced; name a claim that nothing uses"
    }
    return sight
  }

  /// A pod that has the claim mounted, or may still have; runs of ours aside.
  private func user(of claim: String, in namespace: String?) async throws -> String? {
    let pods = try await client.listAll(MountingPod.self, namespace: namespace).items
    return pods.first { pod in
      pod.metadata.labels[TidemarkLabel.run] == nil && pod.status?.isOver != true
        && pod.spec?.volumes?.contains { $0.persistentVolumeClaim?.claimName == claim } == true
    }?.metadata.name
  }

  private func sight(of claim: PersistentVolumeClaim?, _ name: String) async throws -> ApplicationSight.Claim {
    guard let claim else { return .init(name: name, problem: "is not there") }
    guard claim.spec?.volumeMode != "Block" else {
      return .init(name: name, problem: "is a block device, which has no files; leave it out by spec.volumes.claims")
    }
    // One that is not bound yet may be as soon as a pod wants it.
    guard let volumeName = claim.spec?.volumeName else { return .init(name: name) }
    let volume = try await client.find(PersistentVolume.self, ObjectKey(namespace: nil, name: volumeName))
    return .init(name: name, directory: volume?.spec?.hostPath?.path ?? volume?.spec?.local?.path)
  }

  private func pods(of workload: some ApplicationWorkload, _ namespace: String?) async throws -> Int {
    let reported = workload.status?.replicas ?? 0
    guard reported == 0, let labels = workload.spec.selector?.matchLabels, !labels.isEmpty else { return reported }
    // A pod that is ending is counted no more, and may still write.
    let selector = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    let pods = try await client.listAll(Pod.self, namespace: namespace, labelSelector: selector).items
    return pods.count { $0.status?.phase != "Succeeded" && $0.status?.phase != "Failed" }
  }

  /// Scales the application to none, and notes on it how many there were and for which resource. Done before, it
  /// does nothing.
  func scaleDown(_ reference: WorkloadReference, in namespace: String?, for uid: String) async throws {
    try await change(reference, in: namespace) { metadata, replicas in
      if metadata.annotations[TidemarkAnnotation.scaledDownFor] != nil { return nil }
      return ([TidemarkAnnotation.replicas: "\(replicas ?? 1)", TidemarkAnnotation.scaledDownFor: uid], 0)
    }
  }

  /// Gives the application the replicas back that it had, if it was scaled down for the resource of this uid.
  func scaleUp(_ reference: WorkloadReference, in namespace: String?, for uid: String) async throws {
    try await change(reference, in: namespace) { metadata, _ in
      guard metadata.annotations[TidemarkAnnotation.scaledDownFor] == uid else { return nil }
      let before = metadata.annotations[TidemarkAnnotation.replicas].flatMap { Int($0) }
      return ([TidemarkAnnotation.replicas: nil, TidemarkAnnotation.scaledDownFor: nil], before ?? 1)
    }
  }

  private typealias Change = (annotations: [String: String?], replicas: Int)

  private func change(
    _ reference: WorkloadReference, in namespace: String?, _ decide: (ObjectMeta, Int?) -> Change?
  ) async throws {
    let key = ObjectKey(namespace: namespace, name: reference.name)
    switch reference.kind {
    case DeploymentApplication.resource.kind: try await change(DeploymentApplication.self, key, decide)
    case StatefulSetApplication.resource.kind: try await change(StatefulSetApplication.self, key, decide)
    default: break
    }
  }

  private func change<Workload: ApplicationWorkload>(
    _ type: Workload.Type, _ key: ObjectKey, _ decide: (ObjectMeta, Int?) -> Change?
  ) async throws {
    guard let workload = try await client.find(type, key),
      let change = decide(workload.metadata, workload.spec.replicas)
    else { return }
    let annotations = change.annotations.mapValues { $0.map { JSONValue.string($0) } ?? .null }
    // Tied to what was read: of two restores one is first.
    let version = workload.metadata.resourceVersion.map { JSONValue.string($0) } ?? .null
    _ = try await client.mergePatch(
      type, key,
      json: .object([
        "metadata": .object(["annotations": .object(annotations), "resourceVersion": version]),
        "spec": .object(["replicas": .integer(Int64(change.replicas))]),
      ]), fieldManager: TidemarkGroup.controllerFieldManager)
  }

  /// Makes the claim `name` as `model` is, unless there is one.
  func makeClaim(_ name: String, like model: String, in namespace: String?) async throws {
    let key = ObjectKey(namespace: namespace, name: name)
    guard try await client.find(PersistentVolumeClaim.self, key) == nil,
      let model = try await client.find(PersistentVolumeClaim.self, ObjectKey(namespace: namespace, name: model))
    else { return }
    var spec = model.spec
    spec?.volumeName = nil
    do {
      _ = try await client.create(
        PersistentVolumeClaim(metadata: ObjectMeta(name: name, namespace: namespace), spec: spec),
        fieldManager: TidemarkGroup.controllerFieldManager)
    } catch let error as KubeError where error.isAlreadyExists {
      return
    }
  }
}

/// A pod, trimmed to what it has mounted.
private struct MountingPod: KubeResource {
  struct Status: Codable, Sendable {
    var phase: String?

    var isOver: Bool { phase == "Succeeded" || phase == "Failed" }
  }

  static let resource = Pod.resource

  var metadata: ObjectMeta
  var spec: ApplicationWorkloadSpec.PodSpec?
  var status: Status?
}

extension ApplicationWorkload {
  /// The claims of its pods; of a StatefulSet's own those of its ordinals that are there, also while it is scaled down.
  func claimNames(among there: some Sequence<String>) -> Set<String> {
    var names = Set((spec.template?.spec?.volumes ?? []).compactMap(\.persistentVolumeClaim?.claimName))
    let beginnings = (spec.volumeClaimTemplates ?? []).compactMap(\.metadata.name).map {
      "\($0)-\(metadata.name ?? "")-"
    }
    for name in there {
      for beginning in beginnings where name.hasPrefix(beginning) && Int(name.dropFirst(beginning.count)) != nil {
        names.insert(name)
      }
    }
    return names
  }
}
