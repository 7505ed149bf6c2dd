/// An access key and its secret. Prints without the secret.
public struct S3Credentials: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  /// Names the key; not a secret.
  public let accessKeyID: String
  /// Signs requests.
  public let secretAccessKey: String
  /// Comes with temporary credentials.
  public let sessionToken: String?

  /// Permanent credentials, or temporary ones with their token.
  public init(accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil) {
    self.accessKeyID = accessKeyID
    self.secretAccessKey = secretAccessKey
    self.sessionToken = sessionToken
  }

  /// The key's name alone.
  public var description: String { "S3Credentials(\(accessKeyID), <redacted>)" }
  /// The key's name alone.
  public var debugDescription: String { description }
  /// Shows no fields.
  public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// Where a store gets its credentials from, before each request.
public protocol S3CredentialProvider: Sendable {
  /// The credentials to sign with now. Cheap: called for every request.
  func credentials() async throws -> S3Credentials

  /// Called when the server refused `rejected`: newer credentials, or the same when there are none.
  func credentials(replacing rejected: S3Credentials) async throws -> S3Credentials
}

extension S3CredentialProvider {
  /// By default there is nothing newer.
  public func credentials(replacing rejected: S3Credentials) async throws -> S3Credentials { try await credentials() }
}

extension S3Credentials: S3CredentialProvider {
  /// Themselves.
  public func credentials() async throws -> S3Credentials { self }
}
