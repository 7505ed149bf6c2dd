import KubeClient
import KubeModel

/// Finds out whether a caller may do something: by the cluster's SubjectAccessReview for users, so that RBAC decides as
/// it does for kubectl; by role and namespaces for service keys.
///
/// Answers are remembered for a few seconds: a right that is taken away is gone within `lifetime`.
struct Authorizer: Sendable {
  /// How long a permission is believed.
  static let lifetime: Duration = .seconds(10)
  /// How long a refusal is; shorter, since who was just given a right tries again at once.
  static let refusalLifetime: Duration = .seconds(2)
  /// Some hundred callers with some dozen permissions each.
  private static let capacity = 16_384

  private struct Question: Hashable {
    var user: KubeUser
    var permission: Permission
  }

  private let client: KubeClient
  private let answers = ExpiringCache<Question, Bool>(capacity: Self.capacity)

  init(client: KubeClient) { self.client = client }

  /// Throws a 403 where the caller may not.
  func require(_ permission: Permission, by caller: Caller) async throws {
    guard try await allows(permission, by: caller) else {
      throw FacadeError(
        .forbidden, "\(caller.name) may not \(permission.description); ask for a role that allows it")
    }
  }

  /// Whether the caller may.
  func allows(_ permission: Permission, by caller: Caller) async throws -> Bool {
    switch caller {
    case .key(let key): return key.allows(permission)
    case .user(let user):
      let question = Question(user: user, permission: permission)
      if let known = answers.value(question) { return known }
      let review = try await client.create(SubjectAccessReview(permission.attributes, by: user))
      let allowed = review.status?.allowed ?? false
      answers.keep(allowed, for: question, lifetime: allowed ? Self.lifetime : Self.refusalLifetime)
      return allowed
    }
  }
}
