/// A ServiceAccount: who a pod is at the API server.
public struct ServiceAccount: KubeResource, Hashable {
  public static let resource = ResourceDescription(
    group: "", version: "v1", kind: "ServiceAccount", plural: "serviceaccounts")

  public var metadata: ObjectMeta

  /// An account with these metadata.
  public init(metadata: ObjectMeta) { self.metadata = metadata }
}

/// A RoleBinding: what somebody may do in one namespace.
public struct RoleBinding: KubeResource, Hashable {
  /// The role that is given.
  public struct RoleRef: Codable, Hashable, Sendable {
    /// `rbac.authorization.k8s.io`
    public var apiGroup: String
    /// `ClusterRole` or `Role`.
    public var kind: String
    /// Its name.
    public var name: String

    /// The ClusterRole of this name.
    public init(clusterRole name: String) {
      (apiGroup, kind, self.name) = ("rbac.authorization.k8s.io", "ClusterRole", name)
    }
  }

  /// Somebody who is given the role.
  public struct Subject: Codable, Hashable, Sendable {
    /// `ServiceAccount`, `User` or `Group`.
    public var kind: String
    /// Its name.
    public var name: String
    /// The account's namespace.
    public var namespace: String?

    /// A service account.
    public init(serviceAccount name: String, in namespace: String) {
      (kind, self.name, self.namespace) = ("ServiceAccount", name, namespace)
    }
  }

  public static let resource = ResourceDescription(
    group: "rbac.authorization.k8s.io", version: "v1", kind: "RoleBinding", plural: "rolebindings")

  public var metadata: ObjectMeta
  /// The role.
  public var roleRef: RoleRef
  /// Who has it.
  public var subjects: [Subject]?

  /// Gives a role to these.
  public init(metadata: ObjectMeta, roleRef: RoleRef, subjects: [Subject]) {
    (self.metadata, self.roleRef, self.subjects) = (metadata, roleRef, subjects)
  }
}
