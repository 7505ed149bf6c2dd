import KubeModel

/// Who calls.
enum Caller: Sendable {
  /// Somebody whom the cluster knows, by a token.
  case user(KubeUser)
  /// Who holds a service key.
  case key(ServiceKey)

  /// For logs, limits and idempotency: the same for the same caller, whatever token it shows.
  var name: String {
    switch self {
    case .user(let user): "user:\(user.username)"
    case .key(let key): "key:\(key.name)"
    }
  }

  /// The namespace that is meant where a call names none, where the caller has only one.
  var onlyNamespace: String? {
    guard case .key(let key) = self, case .only(let names) = key.namespaces, names.count == 1 else { return nil }
    return names.first
  }
}
