import KubeClient
import KubeModel
import TidemarkAPI

/// Copies of workloads.
extension Applications {
  /// Whether there is a workload of that kind and name.
  func copy(_ copy: WorkloadReference, in namespace: String?, for uid: String) async throws -> WorkloadCopySight {
    let key = ObjectKey(namespace: namespace, name: copy.name)
    let metadata: ObjectMeta?
    switch copy.kind {
    case DeploymentManifest.resource.kind: metadata = try await client.find(DeploymentManifest.self, key)?.metadata
    case StatefulSetManifest.resource.kind: metadata = try await client.find(StatefulSetManifest.self, key)?.metadata
    default: metadata = try await client.find(DaemonSetManifest.self, key)?.metadata
    }
    guard let metadata else { return .absent }
    return metadata.annotations[WorkloadCopy.annotation] == uid ? .own : .foreign
  }

  /// Makes a copy of `original` with these claims, unless something of that name is there.
  func makeCopy(
    _ name: String, of original: WorkloadReference, in namespace: String?, claims: [String: String], for uid: String
  ) async throws {
    let key = ObjectKey(namespace: namespace, name: original.name)
    switch original.kind {
    case DeploymentManifest.resource.kind: try await makeCopy(DeploymentManifest.self, key, name, claims, uid)
    case StatefulSetManifest.resource.kind: try await makeCopy(StatefulSetManifest.self, key, name, claims, uid)
    default: try await makeCopy(DaemonSetManifest.self, key, name, claims, uid)
    }
  }

  private func makeCopy<Manifest: WorkloadManifest>(
    _ type: Manifest.Type, _ key: ObjectKey, _ name: String, _ claims: [String: String], _ uid: String
  ) async throws {
    guard let original = try await client.find(type, key) else { throw VanishedResource() }
    var replicas: Int?
    if case .integer(let now)? = original.spec["replicas"] {
      // One that a restore has scaled down says how many it had.
      replicas = original.metadata.annotations[TidemarkAnnotation.replicas].flatMap { Int($0) } ?? Int(now)
    }
    do {
      _ = try await client.create(
        Manifest(
          metadata: WorkloadCopy.metadata(of: original.metadata, name: name, for: uid),
          spec: WorkloadCopy.spec(of: original.spec, name: name, claims: claims, replicas: replicas)),
        fieldManager: TidemarkGroup.controllerFieldManager)
    } catch let error as KubeError where error.isAlreadyExists {
      return
    }
  }
}
