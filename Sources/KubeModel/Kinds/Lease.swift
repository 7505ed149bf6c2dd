/// A Lease, by which one of several controllers leads.
public struct Lease: KubeResource, Hashable {
  /// Who holds the lease and for how long.
  public struct Spec: Codable, Hashable, Sendable {
    /// Who holds the lease; nil or empty where it was released.
    public var holderIdentity: String?
    /// For how many seconds after a renewal the lease holds.
    public var leaseDurationSeconds: Int?
    /// When the holder took the lease, by the holder's clock.
    public var acquireTime: MicroTime?
    /// When the holder last renewed it, by the holder's clock.
    public var renewTime: MicroTime?
    /// How often the lease changed hands.
    public var leaseTransitions: Int?

    /// A lease's spec.
    public init(
      holderIdentity: String? = nil, leaseDurationSeconds: Int? = nil, acquireTime: MicroTime? = nil,
      renewTime: MicroTime? = nil, leaseTransitions: Int? = nil
    ) {
      self.holderIdentity = holderIdentity
      self.leaseDurationSeconds = leaseDurationSeconds
      self.acquireTime = acquireTime
      self.renewTime = renewTime
      self.leaseTransitions = leaseTransitions
    }
  }

  public static let resource = ResourceDescription(
    group: "coordination.k8s.io", version: "v1", kind: "Lease", plural: "leases")

  public var metadata: ObjectMeta
  /// Who holds the lease and for how long.
  public var spec: Spec?

  /// A lease.
  public init(metadata: ObjectMeta, spec: Spec? = nil) {
    self.metadata = metadata
    self.spec = spec
  }
}
