/// A question to the API server: may this user do that? It is answered by the call that creates it, and not stored.
///
/// Source: Kubernetes' `api/authorization/v1/types.go`.
public struct SubjectAccessReview: KubeStatusResource, Hashable {
  /// What is to be done to which resource.
  public struct ResourceAttributes: Codable, Sendable, Hashable {
    /// The namespace; nil: all namespaces.
    public var namespace: String?
    /// `get`, `list`, `create`, `update`, `patch` or `delete`.
    public var verb: String
    /// The API group; nil for the core group, whose name is empty, and which the API server leaves out for that.
    public var group: String?
    /// The plural in lower case.
    public var resource: String
    /// The object; nil: any.
    public var name: String?

    /// `verb` on `resource` of `group`, which is empty for the core group.
    public init(verb: String, group: String, resource: String, namespace: String?, name: String? = nil) {
      (self.verb, self.group, self.resource) = (verb, group.isEmpty ? nil : group, resource)
      (self.namespace, self.name) = (namespace, name)
    }
  }

  /// Who, and what.
  public struct Spec: Codable, Sendable, Hashable {
    /// What is to be done.
    public var resourceAttributes: ResourceAttributes
    /// The user's name.
    public var user: String
    /// The user's uid.
    public var uid: String?
    /// The user's groups.
    public var groups: [String]?
    /// What else the authenticator said of the user.
    public var extra: [String: [String]]?
  }

  /// The answer.
  public struct Status: Codable, Sendable, Hashable {
    /// Whether it is allowed.
    public var allowed: Bool
    /// Why.
    public var reason: String?
  }

  public static let resource = ResourceDescription(
    group: "authorization.k8s.io", version: "v1", kind: "SubjectAccessReview", plural: "subjectaccessreviews",
    scope: .cluster)

  public var metadata: ObjectMeta
  /// Who, and what.
  public var spec: Spec
  public var status: Status?

  /// The question whether `user` may do `attributes`.
  public init(_ attributes: ResourceAttributes, by user: KubeUser) {
    metadata = ObjectMeta()
    spec = Spec(
      resourceAttributes: attributes, user: user.username, uid: user.uid, groups: user.groups, extra: user.extra)
  }
}
