/// A ConfigMap, of which we use the texts.
public struct ConfigMap: KubeResource, Hashable {
  public static let resource = ResourceDescription(group: "", version: "v1", kind: "ConfigMap", plural: "configmaps")

  public var metadata: ObjectMeta
  /// The fields.
  public var data: [String: String]?

  /// A ConfigMap with these fields.
  public init(metadata: ObjectMeta, data: [String: String]? = nil) {
    self.metadata = metadata
    self.data = data
  }
}

/// A Namespace, trimmed to its phase.
public struct Namespace: KubeStatusResource, Hashable {
  /// What the server reports of a namespace.
  public struct Status: Codable, Hashable, Sendable {
    /// `Active` or `Terminating`.
    public var phase: String?
  }

  public static let resource = ResourceDescription(
    group: "", version: "v1", kind: "Namespace", plural: "namespaces", scope: .cluster)

  public var metadata: ObjectMeta
  public var status: Status?

  /// The namespace of this name.
  public init(name: String) { metadata = ObjectMeta(name: name) }
}
