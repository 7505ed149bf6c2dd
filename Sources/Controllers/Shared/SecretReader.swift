public import KubeClient
import KubeModel
public import Steps
public import TidemarkAPI

/// A Secret, or a field of it, is not there: it may come late, so this is waited for.
public struct MissingSecret: Error, Equatable {
  /// What is missing, and what to do.
  public let message: String

  var health: Health { .progressing(reason: Reason.secretMissing, message: message) }
}

/// Reads Secrets when they are needed. They are never cached and never logged.
struct SecretReader: Sendable {
  let client: KubeClient

  /// The fields of a Secret in the order asked for; throws ``MissingSecret`` where one is not there or empty.
  func fields(_ fields: [String], of name: String, in namespace: String) async throws -> [[UInt8]] {
    let key = ObjectKey(namespace: namespace, name: name)
    guard let secret = try await client.find(Secret.self, key) else {
      throw MissingSecret(
        message: "Secret \(name) is not there; create it in namespace \(namespace) with the fields "
          + fields.joined(separator: ", "))
    }
    return try fields.map { field in
      guard let value = secret.data[field], !value.isEmpty else {
        throw MissingSecret(message: "Secret \(name) has no field '\(field)', or an empty one; add it")
      }
      return Array(value)
    }
  }
}

/// The part of a step's input that speaks of a destination, with the secrets that it names.
public struct DestinationAccess: Sendable {
  /// The store; it names the secrets' files.
  public let input: StoreInput
  /// Contents by file name. Never logged.
  public private(set) var secrets: [String: [UInt8]]

  private enum File {
    static let accessKeyID = "access-key-id"
    static let secretAccessKey = "secret-access-key"
    static let password = "repository-password"
    static let authority = "store-ca.crt"
  }

  /// Reads the Secrets of `destination`; throws ``MissingSecret``, or a ``StepError`` for an endpoint that makes no
  /// sense.
  public static func read(
    _ destination: BackupDestination, with client: KubeClient
  ) async throws -> DestinationAccess {
    try await read(destination, by: SecretReader(client: client))
  }

  /// As ``read(_:with:)``.
  static func read(_ destination: BackupDestination, by reader: SecretReader) async throws -> DestinationAccess {
    var access = try await read(destination.spec, "", in: destination.metadata.namespace ?? "", by: reader)
    let encryption = destination.encryptionSecret
    access.secrets[File.password] = try await reader.fields(
      [encryption.passwordField], of: encryption.secretName, in: destination.metadata.namespace ?? "")[0]
    return access
  }

  /// The part that speaks of a Bucket: its files have names of their own beside a destination's, and there is no
  /// password.
  static func read(_ bucket: Bucket, by reader: SecretReader) async throws -> DestinationAccess {
    try await read(bucket.spec.connection, "bucket-", in: bucket.metadata.namespace ?? "", by: reader)
  }

  private static func read(
    _ spec: BackupDestinationSpec, _ role: String, in namespace: String, by reader: SecretReader
  ) async throws -> DestinationAccess {
    let endpoint = try DestinationEndpoint.resolve(spec)
    let keys = try await reader.fields(
      [spec.credentials.accessKeyField, spec.credentials.secretKeyField], of: spec.credentials.secretName,
      in: namespace)
    var secrets = [role + File.accessKeyID: keys[0], role + File.secretAccessKey: keys[1]]
    if let name = spec.tls?.caSecretName {
      secrets[role + File.authority] = try await reader.fields(["ca.crt"], of: name, in: namespace)[0]
    }
    func path(_ file: String) -> String { "\(StepRequest.secretsFolder)/\(role)\(file)" }
    let input = StoreInput(
      endpoint: endpoint.url, region: endpoint.region, bucket: spec.bucket, prefix: spec.prefix,
      addressingStyle: spec.addressingStyle, accessKeyIDFile: path(File.accessKeyID),
      secretAccessKeyFile: path(File.secretAccessKey),
      caFile: secrets[role + File.authority] == nil ? nil : path(File.authority),
      insecureSkipVerify: spec.tls?.insecureSkipVerify ?? false,
      uploadBytesPerSecond: spec.limits?.uploadBytesPerSecond?.integer,
      downloadBytesPerSecond: spec.limits?.downloadBytesPerSecond?.integer, passwordFile: path(File.password))
    return DestinationAccess(input: input, secrets: secrets)
  }
}

extension BackupDestination {
  /// Where the password of its repositories lies: as the user says, or where the controller keeps the one it made.
  var encryptionSecret: DestinationEncryption {
    spec.encryption ?? DestinationEncryption(secretName: "\(metadata.name ?? "")-repository-password")
  }
}

/// The part of a step's input that speaks of a server, with the secrets that it names.
struct ServerAccess: Sendable {
  let input: ServerInput
  let secrets: [String: [UInt8]]

  private enum File {
    static let username = "server-username"
    static let password = "server-password"
    static let authority = "server-ca.crt"
  }

  /// As whom a server is reached.
  enum Login: Sendable {
    /// The role of `connection.secretName`.
    case role
    /// The superuser of `connection.adminSecretName`, or the role where none is named.
    case admin
  }

  /// Reads the Secrets of `database`, for its live server or for `instance`, another one of its; throws
  /// ``MissingSecret``.
  static func read(
    _ database: Database, at instance: DatabaseInstance? = nil, as login: Login = .role, by reader: SecretReader
  ) async throws -> ServerAccess {
    let connection = database.spec.connection
    let instance = instance ?? database.liveInstance
    let namespace = database.metadata.namespace ?? ""
    let secret = login == .admin ? connection.adminSecretName ?? connection.secretName : connection.secretName
    let found = try await reader.fields(
      [connection.usernameField, connection.passwordField], of: secret, in: namespace)
    var secrets = [File.username: found[0], File.password: found[1]]
    // An instance of ours is reached on its own machine or network, and has no certificate of the spec's authority.
    if instance.name == nil, let name = connection.caSecretName {
      secrets[File.authority] = try await reader.fields(["ca.crt"], of: name, in: namespace)[0]
    }
    func path(_ file: String) -> String { "\(StepRequest.secretsFolder)/\(file)" }
    let input = ServerInput(
      host: instance.endpoint?.host ?? connection.host, port: instance.endpoint?.port ?? connection.port,
      database: connection.database, sslMode: instance.name == nil ? connection.sslMode : .prefer,
      usernameFile: path(File.username), passwordFile: path(File.password),
      caFile: secrets[File.authority] == nil ? nil : path(File.authority))
    return ServerAccess(input: input, secrets: secrets)
  }

  /// The role, for asking an instance of ours how it is.
  var role: InstanceRole {
    InstanceRole(
      username: String(decoding: secrets[File.username] ?? [], as: UTF8.self),
      password: String(decoding: secrets[File.password] ?? [], as: UTF8.self), database: input.database)
  }
}
