/// A question to the API server: who is it that holds this token? It is answered by the call that creates it, and
/// not stored.
///
/// Source: Kubernetes' `api/authentication/v1/types.go`. Its description never shows the token.
public struct TokenReview: KubeStatusResource {
  /// The token that is asked about.
  public struct Spec: Codable, Sendable, Hashable {
    /// The bearer token.
    public var token: String?
  }

  /// The answer.
  public struct Status: Codable, Sendable, Hashable {
    /// Whether the token is good; nil means that it is not.
    public var authenticated: Bool?
    /// Whose it is.
    public var user: KubeUser?
    /// Why the token could not be checked.
    public var error: String?
  }

  public static let resource = ResourceDescription(
    group: "authentication.k8s.io", version: "v1", kind: "TokenReview", plural: "tokenreviews", scope: .cluster)

  public var metadata: ObjectMeta
  /// The token that is asked about.
  public var spec: Spec
  public var status: Status?

  /// The question whose `token` is.
  public init(token: String) {
    metadata = ObjectMeta()
    spec = Spec(token: token)
  }
}

extension TokenReview: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "TokenReview of \(status?.user?.username ?? "an unknown user"), token redacted" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: ["token": "<redacted>"]) }
}

/// Somebody whom the API server knows.
public struct KubeUser: Codable, Sendable, Hashable {
  /// The name, for example `system:serviceaccount:team:ci`.
  public var username: String
  /// The uid, where the authenticator gave one.
  public var uid: String?
  /// The groups.
  public var groups: [String]?
  /// What else the authenticator says, by key.
  public var extra: [String: [String]]?

  /// The user of this name.
  public init(username: String, uid: String? = nil, groups: [String]? = nil, extra: [String: [String]]? = nil) {
    (self.username, self.uid, self.groups, self.extra) = (username, uid, groups, extra)
  }

  /// Of a bad token the server writes an empty user: no name is an empty one.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    username = try container.decodeIfPresent(String.self, forKey: .username) ?? ""
    uid = try container.decodeIfPresent(String.self, forKey: .uid)
    groups = try container.decodeIfPresent([String].self, forKey: .groups)
    extra = try container.decodeIfPresent([String: [String]].self, forKey: .extra)
  }
}
