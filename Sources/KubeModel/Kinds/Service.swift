/// A Service, trimmed to what a switch repoints.
public struct Service: KubeResource, Hashable {
  /// What the service selects and how it is reached.
  public struct Spec: Codable, Hashable, Sendable {
    /// `ClusterIP`, `ExternalName`, `NodePort` or `LoadBalancer`.
    public var type: String?
    /// The address, or `None` for a headless service.
    public var clusterIP: String?
    /// The labels of the pods behind it.
    public var selector: [String: String]?
    /// The ports.
    public var ports: [Port]?
    /// The name that DNS answers with, for `ExternalName`.
    public var externalName: String?

    /// A service's spec.
    public init(
      type: String? = nil, clusterIP: String? = nil, selector: [String: String]? = nil, ports: [Port]? = nil,
      externalName: String? = nil
    ) {
      self.type = type
      self.clusterIP = clusterIP
      self.selector = selector
      self.ports = ports
      self.externalName = externalName
    }
  }

  /// One port of a service.
  public struct Port: Codable, Hashable, Sendable {
    /// The port's name.
    public var name: String?
    /// `TCP`, `UDP` or `SCTP`.
    public var `protocol`: String?
    /// The port of the service.
    public var port: Int
    /// The port of the pods, or its name.
    public var targetPort: JSONValue?

    /// A port of a service.
    public init(name: String? = nil, port: Int, targetPort: JSONValue? = nil, protocol: String? = nil) {
      self.name = name
      self.port = port
      self.targetPort = targetPort
      self.protocol = `protocol`
    }
  }

  public static let resource = ResourceDescription(group: "", version: "v1", kind: "Service", plural: "services")

  public var metadata: ObjectMeta
  /// What it selects and how it is reached.
  public var spec: Spec?

  /// A service.
  public init(metadata: ObjectMeta, spec: Spec? = nil) {
    self.metadata = metadata
    self.spec = spec
  }
}
