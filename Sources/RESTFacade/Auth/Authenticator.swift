import HTTPTypes
import Hummingbird
import KubeClient
import KubeModel
import Logging

/// Finds out who calls: by the cluster's TokenReview for a bearer token, by the Secret of service keys for a key.
///
/// Both are remembered for a few seconds by their SHA-256, never by themselves: a token that is revoked is refused
/// within `lifetime`. No token or key is logged.
struct Authenticator: Sendable {
  /// How long a good token, and the Secret of service keys, are believed.
  static let lifetime: Duration = .seconds(10)
  /// How long a bad token is. Short: a token may become good, as that of a ServiceAccount that is being made.
  static let refusalLifetime: Duration = .seconds(2)
  /// Callers at once; an entry is some hundred bytes.
  private static let capacity = 4096

  private let client: KubeClient
  private let keysSecret: ObjectKey?
  private let users = ExpiringCache<SHA256Digest, KubeUser?>(capacity: Self.capacity)
  private let keys = ExpiringCache<ObjectKey, [ServiceKey]>(capacity: 1)
  private let logger: Logger

  /// Service keys come from the Secret `keysSecret`; nil: there are none.
  init(client: KubeClient, keysSecret: ObjectKey?, logger: Logger) {
    (self.client, self.keysSecret, self.logger) = (client, keysSecret, logger)
  }

  /// Who calls; throws a 401 where nobody knows, and a 503 where it cannot be found out.
  func caller(_ headers: HTTPFields) async throws -> Caller {
    if let credentials = headers[.authorization] {
      guard let token = Self.bearer(credentials) else {
        throw FacadeError(.unauthorized, "the Authorization header is no bearer token; expected 'Bearer <token>'")
      }
      return .user(try await user(token))
    }
    if let key = headers[.tidemarkKey] { return .key(try await serviceKey(key)) }
    throw FacadeError(
      .unauthorized, "the call shows no credentials; send 'Authorization: Bearer <token>' or 'x-tidemark-key: <key>'")
  }

  private static func bearer(_ credentials: String) -> String? {
    let parts = credentials.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
    return String(parts[1].drop { $0 == " " })
  }

  private func user(_ token: String) async throws -> KubeUser {
    let digest = SHA256Digest(of: token)
    if let known = users.value(digest) { return try known ?? { throw Self.badToken }() }
    let review = try await client.create(TokenReview(token: token))
    guard let status = review.status, status.authenticated == true, let user = status.user,
      !user.username.isEmpty
    else {
      users.keep(nil, for: digest, lifetime: Self.refusalLifetime)
      throw Self.badToken
    }
    users.keep(user, for: digest, lifetime: Self.lifetime)
    return user
  }

  private static var badToken: FacadeError {
    FacadeError(.unauthorized, "the token is not known to the cluster, or has expired; get a new one")
  }

  private func serviceKey(_ text: String) async throws -> ServiceKey {
    let digest = SHA256Digest(of: text)
    var found: ServiceKey?
    // Every key is compared, so that the time says nothing about which one was nearly right.
    for key in try await serviceKeys() where digest.matches(key.digest) { found = key }
    guard let found else { throw FacadeError(.unauthorized, "the service key is not known; check x-tidemark-key") }
    return found
  }

  private func serviceKeys() async throws -> [ServiceKey] {
    guard let keysSecret else { return [] }
    if let known = keys.value(keysSecret) { return known }
    let secret = try await client.find(Secret.self, keysSecret)
    if secret == nil {
      logger.warning("the Secret of service keys is not there", metadata: ["secret": "\(keysSecret)"])
    }
    let read = (secret?.data ?? [:]).sorted { $0.key < $1.key }.compactMap { name, json -> ServiceKey? in
      let key = ServiceKey(name: name, json: json)
      if key == nil {
        logger.warning(
          "a service key is ignored: its field is not of the documented form",
          metadata: ["secret": "\(keysSecret)", "field": "\(name)"])
      }
      return key
    }
    keys.keep(read, for: keysSecret, lifetime: Self.lifetime)
    return read
  }
}

extension HTTPField.Name {
  static var tidemarkKey: HTTPField.Name { name("x-tidemark-key") }
  static var tidemarkVersion: HTTPField.Name { name("x-tidemark-version") }
  static var requestID: HTTPField.Name { name("x-request-id") }
  static var idempotencyKey: HTTPField.Name { name("idempotency-key") }

  /// The name of a header; all of ours are tokens as RFC 9110 has them.
  private static func name(_ text: String) -> HTTPField.Name {
    guard let name = HTTPField.Name(text) else { preconditionFailure("'\(text)' is no header's name") }
    return name
  }
}
