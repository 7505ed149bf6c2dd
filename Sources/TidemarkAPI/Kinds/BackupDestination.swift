public import KubeModel

/// Where backups are stored: a bucket with credentials and a prefix.
public struct BackupDestination: KubeStatusResource {
  public static let resource = TidemarkGroup.resource(kind: "BackupDestination", plural: "backupdestinations")

  /// Name, namespace and the rest of Kubernetes' metadata.
  public var metadata: ObjectMeta
  /// What the user asked for.
  public var spec: BackupDestinationSpec
  /// What was found; nil until the first reconcile.
  public var status: BackupDestinationStatus?

  /// A destination as a user would write it.
  public init(metadata: ObjectMeta, spec: BackupDestinationSpec) {
    (self.metadata, self.spec) = (metadata, spec)
  }
}

/// The service that a destination speaks to; it decides how the endpoint is found.
public enum ObjectStoreProvider: String, Codable, Sendable, CaseIterable {
  case s3, r2, backblaze, minio, custom
}

/// How a bucket's name stands in a request.
public enum AddressingStyle: String, Codable, Sendable, CaseIterable {
  /// `virtual` where the provider is known to serve it, `path` elsewhere.
  case auto
  /// `https://endpoint/bucket/key`
  case path
  /// `https://bucket.endpoint/key`
  case virtual
}

/// The spec of a destination.
public struct BackupDestinationSpec: Codable, Sendable, Equatable {
  /// The service; decides the endpoint where none is given.
  public var provider: ObjectStoreProvider
  /// The bucket's name.
  public var bucket: String
  /// What every key begins with, without slashes at its ends; empty for the whole bucket.
  public var prefix: String
  /// The region, for `s3` and `backblaze` required; `auto` for `r2`; default `us-east-1` elsewhere.
  public var region: String?
  /// The service's URL; required for `minio` and `custom`.
  public var endpoint: String?
  /// The account, required for `r2`.
  public var accountId: String?
  /// The jurisdiction (`eu`, `fedramp`), for `r2`.
  public var jurisdiction: String?
  /// How the bucket's name is sent.
  public var addressingStyle: AddressingStyle
  /// The Secret with the access key.
  public var credentials: DestinationCredentials
  /// Trust in the endpoint's certificate; nil: the system's roots.
  public var tls: DestinationTLS?
  /// The Secret with the repository's password; nil: the controller makes one.
  public var encryption: DestinationEncryption?
  /// Bandwidth bounds; nil: none.
  public var limits: DestinationLimits?
  /// How often the destination is probed.
  public var validationInterval: GoDuration
  /// Whether the destination is out of use: nothing is validated and no step is started.
  public var suspend: Bool

  /// A destination of `provider` with everything else at its default.
  public init(provider: ObjectStoreProvider, bucket: String, credentials: DestinationCredentials) {
    self.provider = provider
    self.bucket = bucket
    self.credentials = credentials
    prefix = ""
    addressingStyle = .auto
    validationInterval = Self.defaultValidationInterval
    suspend = false
  }

  static let defaultValidationInterval = GoDuration(.seconds(600))

  private enum CodingKeys: String, CodingKey {
    case provider, bucket, prefix, region, endpoint, accountId, jurisdiction, addressingStyle, credentials, tls
    case encryption, limits, validationInterval, suspend
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    provider = try container.decode(ObjectStoreProvider.self, forKey: .provider)
    bucket = try container.decode(String.self, forKey: .bucket)
    prefix = try container.decode(.prefix, default: "")
    region = try container.decodeIfPresent(String.self, forKey: .region)
    endpoint = try container.decodeIfPresent(String.self, forKey: .endpoint)
    accountId = try container.decodeIfPresent(String.self, forKey: .accountId)
    jurisdiction = try container.decodeIfPresent(String.self, forKey: .jurisdiction)
    addressingStyle = try container.decode(.addressingStyle, default: .auto)
    credentials = try container.decode(DestinationCredentials.self, forKey: .credentials)
    tls = try container.decodeIfPresent(DestinationTLS.self, forKey: .tls)
    encryption = try container.decodeIfPresent(DestinationEncryption.self, forKey: .encryption)
    limits = try container.decodeIfPresent(DestinationLimits.self, forKey: .limits)
    validationInterval = try container.decode(.validationInterval, default: Self.defaultValidationInterval)
    suspend = try container.decode(.suspend, default: false)
  }

  /// Leaves an empty prefix out, as a user would: some API servers take an empty text for `null`, and refuse it.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(provider, forKey: .provider)
    try container.encode(bucket, forKey: .bucket)
    if !prefix.isEmpty { try container.encode(prefix, forKey: .prefix) }
    try container.encodeIfPresent(region, forKey: .region)
    try container.encodeIfPresent(endpoint, forKey: .endpoint)
    try container.encodeIfPresent(accountId, forKey: .accountId)
    try container.encodeIfPresent(jurisdiction, forKey: .jurisdiction)
    try container.encode(addressingStyle, forKey: .addressingStyle)
    try container.encode(credentials, forKey: .credentials)
    try container.encodeIfPresent(tls, forKey: .tls)
    try container.encodeIfPresent(encryption, forKey: .encryption)
    try container.encodeIfPresent(limits, forKey: .limits)
    try container.encode(validationInterval, forKey: .validationInterval)
    try container.encode(suspend, forKey: .suspend)
  }
}

/// Where a destination's access key lies.
public struct DestinationCredentials: Codable, Sendable, Equatable {
  /// The Secret, in the destination's namespace.
  public var secretName: String
  /// The Secret's field with the access key id.
  public var accessKeyField: String
  /// The Secret's field with the secret access key.
  public var secretKeyField: String

  /// The access key in Secret `secretName`, under the default fields.
  public init(
    secretName: String, accessKeyField: String = "access-key-id", secretKeyField: String = "secret-access-key"
  ) {
    (self.secretName, self.accessKeyField, self.secretKeyField) = (secretName, accessKeyField, secretKeyField)
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      secretName: try container.decode(String.self, forKey: .secretName),
      accessKeyField: try container.decode(.accessKeyField, default: "access-key-id"),
      secretKeyField: try container.decode(.secretKeyField, default: "secret-access-key"))
  }
}

/// Trust in a destination's certificate.
public struct DestinationTLS: Codable, Sendable, Equatable {
  /// The Secret whose field `ca.crt` holds the certificate authority, in PEM.
  public var caSecretName: String?
  /// Whether any certificate is accepted. For tests: it gives up the protection that TLS is for.
  public var insecureSkipVerify: Bool

  /// Trust in the authority in Secret `caSecretName`.
  public init(caSecretName: String? = nil, insecureSkipVerify: Bool = false) {
    (self.caSecretName, self.insecureSkipVerify) = (caSecretName, insecureSkipVerify)
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    caSecretName = try container.decodeIfPresent(String.self, forKey: .caSecretName)
    insecureSkipVerify = try container.decode(.insecureSkipVerify, default: false)
  }
}

/// Where the password of a destination's repositories lies.
public struct DestinationEncryption: Codable, Sendable, Equatable {
  /// The Secret, in the destination's namespace.
  public var secretName: String
  /// The Secret's field with the password.
  public var passwordField: String

  /// The password in Secret `secretName`.
  public init(secretName: String, passwordField: String = "password") {
    (self.secretName, self.passwordField) = (secretName, passwordField)
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    secretName = try container.decode(String.self, forKey: .secretName)
    passwordField = try container.decode(.passwordField, default: "password")
  }
}

/// Bandwidth bounds of a destination; each step holds to them by itself.
public struct DestinationLimits: Codable, Sendable, Equatable {
  /// Bytes per second towards the store, as a quantity (`50Mi`).
  public var uploadBytesPerSecond: Quantity?
  /// Bytes per second from the store.
  public var downloadBytesPerSecond: Quantity?

  /// The given bounds.
  public init(uploadBytesPerSecond: Quantity? = nil, downloadBytesPerSecond: Quantity? = nil) {
    (self.uploadBytesPerSecond, self.downloadBytesPerSecond) = (uploadBytesPerSecond, downloadBytesPerSecond)
  }
}

/// What is known of a destination.
public struct BackupDestinationStatus: Codable, Sendable, Equatable {
  /// The generation of the spec that the rest speaks of.
  public var observedGeneration: Int64?
  /// `Ready`, `Reconciling`, `Stalled`.
  public var conditions: [Condition]?
  /// The endpoint as resolved.
  public var endpoint: String?
  /// When the probe last passed.
  public var lastValidated: Timestamp?
  /// How long the probe took, in milliseconds.
  public var latencyMilliseconds: Int64?
  /// Bytes of all objects below the prefix, as counted at `lastDiscovery`.
  public var storedBytes: Int64?
  /// When the objects below the prefix were last listed.
  public var lastDiscovery: Timestamp?

  /// A status that says nothing yet.
  public init() {}
}
