/// A PersistentVolumeClaim, trimmed to what a backup or a restore asks of it.
public struct PersistentVolumeClaim: KubeStatusResource, Hashable {
  /// What is claimed.
  public struct Spec: Codable, Hashable, Sendable {
    /// What a claim asks for.
    public struct Resources: Codable, Hashable, Sendable {
      /// By resource name; `storage` is the size.
      public var requests: [String: Quantity]?

      /// A request of these resources.
      public init(requests: [String: Quantity]?) { self.requests = requests }
    }

    /// `ReadWriteOnce`, `ReadOnlyMany`, `ReadWriteMany`, `ReadWriteOncePod`.
    public var accessModes: [String]?
    /// The class; nil: the cluster's default.
    public var storageClassName: String?
    /// The size.
    public var resources: Resources?
    /// The volume that it is bound to.
    public var volumeName: String?
    /// `Filesystem` or `Block`; nil: `Filesystem`.
    public var volumeMode: String?

    /// A claim's spec.
    public init(
      accessModes: [String]?, storageClassName: String? = nil, resources: Resources? = nil, volumeName: String? = nil,
      volumeMode: String? = nil
    ) {
      (self.accessModes, self.storageClassName, self.resources) = (accessModes, storageClassName, resources)
      (self.volumeName, self.volumeMode) = (volumeName, volumeMode)
    }
  }

  /// What the server reports.
  public struct Status: Codable, Hashable, Sendable {
    /// `Pending`, `Bound` or `Lost`.
    public var phase: String?
  }

  public static let resource = ResourceDescription(
    group: "", version: "v1", kind: "PersistentVolumeClaim", plural: "persistentvolumeclaims")

  public var metadata: ObjectMeta
  /// What is claimed.
  public var spec: Spec?
  public var status: Status?

  /// A claim.
  public init(metadata: ObjectMeta, spec: Spec? = nil) { (self.metadata, self.spec) = (metadata, spec) }
}

/// A PersistentVolume, trimmed to where it is.
public struct PersistentVolume: KubeResource, Hashable {
  /// Where the volume is.
  public struct Spec: Codable, Hashable, Sendable {
    /// A directory of a node.
    public struct Directory: Codable, Hashable, Sendable {
      /// Its path on the node.
      public var path: String
    }

    /// A directory of whichever node uses it.
    public var hostPath: Directory?
    /// A directory of the node that the volume's affinity names.
    public var local: Directory?
  }

  public static let resource = ResourceDescription(
    group: "", version: "v1", kind: "PersistentVolume", plural: "persistentvolumes", scope: .cluster)

  public var metadata: ObjectMeta
  /// Where it is.
  public var spec: Spec?
}
