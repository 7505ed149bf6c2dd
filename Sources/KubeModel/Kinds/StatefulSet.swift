/// A StatefulSet. Its spec is kept as JSON: we write whole pod templates, and read little of them.
public struct StatefulSet: KubeStatusResource, Hashable {
  /// What the StatefulSet controller reports.
  public struct Status: Codable, Hashable, Sendable {
    /// The generation of the spec that the rest speaks of.
    public var observedGeneration: Int64?
    /// How many pods there are.
    public var replicas: Int?
    /// How many of them are ready.
    public var readyReplicas: Int?
  }

  public static let resource = ResourceDescription(
    group: "apps", version: "v1", kind: "StatefulSet", plural: "statefulsets")

  public var metadata: ObjectMeta
  /// The spec, as JSON.
  public var spec: JSONValue?
  public var status: Status?

  /// A StatefulSet with this spec.
  public init(metadata: ObjectMeta, spec: JSONValue? = nil) { (self.metadata, self.spec) = (metadata, spec) }

  /// How many pods are wanted.
  public var replicas: Int {
    guard case .integer(let count)? = spec?["replicas"] else { return 1 }
    return Int(count)
  }

  /// The claims that its pods mount, by the name of the volume.
  public var claims: [String: String] {
    guard case .array(let volumes)? = spec?["template"]?["spec"]?["volumes"] else { return [:] }
    return volumes.reduce(into: [:]) { claims, volume in
      guard let name = volume["name"]?.text else { return }
      claims[name] = volume["persistentVolumeClaim"]?["claimName"]?.text
    }
  }
}
