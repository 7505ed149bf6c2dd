/// Where a kind lives in the Kubernetes API: what a client needs to build its paths.
public struct ResourceDescription: Hashable, Sendable {
  /// Whether objects of a kind live in namespaces.
  public enum Scope: Hashable, Sendable {
    /// Each object has a namespace.
    case namespaced
    /// Objects belong to the cluster as a whole.
    case cluster
  }

  /// The API group; empty for the core group.
  public let group: String
  /// The version within the group, for example `v1alpha1`.
  public let version: String
  /// The kind, for example `Backup`.
  public let kind: String
  /// The plural in lower case that paths use, for example `backups`.
  public let plural: String
  /// Whether objects live in namespaces.
  public let scope: Scope

  /// Describes one kind; `group` is empty for the core group.
  public init(group: String, version: String, kind: String, plural: String, scope: Scope = .namespaced) {
    self.group = group
    self.version = version
    self.kind = kind
    self.plural = plural
    self.scope = scope
  }

  /// What stands in an object's `apiVersion`: `v1`, or `group/version`.
  public var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }

  /// What a person calls the resource: `backups.tidemark.dev`, or `secrets` for the core group.
  public var qualifiedPlural: String { group.isEmpty ? plural : "\(plural).\(group)" }

  /// The path below the server's root, without a trailing slash and not yet percent-encoded.
  ///
  /// `namespace` nil means all namespaces (or a kind of cluster scope, for which it is ignored).
  public func path(namespace: String?, name: String? = nil, subresource: String? = nil) -> String {
    var path = group.isEmpty ? "/api/\(version)" : "/apis/\(group)/\(version)"
    if scope == .namespaced, let namespace { path += "/namespaces/\(namespace)" }
    path += "/\(plural)"
    if let name { path += "/\(name)" }
    if let subresource { path += "/\(subresource)" }
    return path
  }
}
