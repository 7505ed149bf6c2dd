public import KubeModel

/// A PostgreSQL server that is protected.
public struct Database: KubeStatusResource {
  public static let resource = TidemarkGroup.resource(kind: "Database", plural: "databases")

  /// Name, namespace and the rest of Kubernetes' metadata.
  public var metadata: ObjectMeta
  /// What the user asked for.
  public var spec: DatabaseSpec
  /// What was found; nil until the first reconcile.
  public var status: DatabaseStatus?

  /// A database as a user would write it.
  public init(metadata: ObjectMeta, spec: DatabaseSpec) {
    (self.metadata, self.spec) = (metadata, spec)
  }
}

/// The kind of server.
public enum DatabaseEngine: String, Codable, Sendable { case postgresql }

/// How much of TLS a connection asks for: libpq's words.
public enum SSLMode: String, Codable, Sendable, CaseIterable {
  case disable, allow, prefer, require
  case verifyCA = "verify-ca"
  case verifyFull = "verify-full"
}

/// The spec of a database.
public struct DatabaseSpec: Codable, Sendable, Equatable {
  /// The kind of server.
  public var engine: DatabaseEngine
  /// How to reach it, as a role with REPLICATION.
  public var connection: DatabaseConnection
  /// The Service that applications connect through; a switch repoints it.
  public var serviceName: String?
  /// Where the server runs, when it is in this cluster.
  public var workload: WorkloadReference?
  /// Point-in-time recovery; nil: off.
  public var pitr: PITRSpec?
  /// The template for restored and cloned instances.
  public var instance: InstanceTemplate?

  /// A PostgreSQL database at `connection`.
  public init(connection: DatabaseConnection, pitr: PITRSpec? = nil) {
    engine = .postgresql
    (self.connection, self.pitr) = (connection, pitr)
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    engine = try container.decode(.engine, default: .postgresql)
    connection = try container.decode(DatabaseConnection.self, forKey: .connection)
    serviceName = try container.decodeIfPresent(String.self, forKey: .serviceName)
    workload = try container.decodeIfPresent(WorkloadReference.self, forKey: .workload)
    pitr = try container.decodeIfPresent(PITRSpec.self, forKey: .pitr)
    instance = try container.decodeIfPresent(InstanceTemplate.self, forKey: .instance)
  }
}

/// How a server is reached.
public struct DatabaseConnection: Codable, Sendable, Equatable {
  /// A host name, an address, or a folder with the server's Unix socket.
  public var host: String
  /// The TCP port.
  public var port: Int
  /// The database that is connected to for queries.
  public var database: String
  /// How much of TLS is asked for.
  public var sslMode: SSLMode
  /// The Secret with the role's name and password.
  public var secretName: String
  /// The Secret's field with the role's name.
  public var usernameField: String
  /// The Secret's field with the password.
  public var passwordField: String
  /// The Secret whose field `ca.crt` holds the certificate authority, in PEM.
  public var caSecretName: String?
  /// The Secret, with the same fields, of a superuser, for switching away from the server and for loading dumps;
  /// nil: the role of `secretName` does that too, where it may.
  public var adminSecretName: String?

  /// The server at `host` with the role in Secret `secretName`.
  public init(host: String, port: Int = 5432, secretName: String) {
    (self.host, self.port, self.secretName) = (host, port, secretName)
    database = "postgres"
    sslMode = .prefer
    usernameField = "username"
    passwordField = "password"
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    host = try container.decode(String.self, forKey: .host)
    port = try container.decode(.port, default: 5432)
    database = try container.decode(.database, default: "postgres")
    sslMode = try container.decode(.sslMode, default: .prefer)
    secretName = try container.decode(String.self, forKey: .secretName)
    usernameField = try container.decode(.usernameField, default: "username")
    passwordField = try container.decode(.passwordField, default: "password")
    caSecretName = try container.decodeIfPresent(String.self, forKey: .caSecretName)
    adminSecretName = try container.decodeIfPresent(String.self, forKey: .adminSecretName)
  }
}

/// A workload of the cluster, by kind and name.
public struct WorkloadReference: Codable, Sendable, Equatable {
  /// `StatefulSet` or `Deployment`.
  public var kind: String
  /// Its name, in the same namespace.
  public var name: String

  /// The workload of this kind and name.
  public init(kind: String, name: String) { (self.kind, self.name) = (kind, name) }
}

/// Point-in-time recovery of a database.
public struct PITRSpec: Codable, Sendable, Equatable {
  /// Whether the write-ahead log is archived.
  public var enabled: Bool
  /// The destination of the archive, in the same namespace.
  public var destinationName: String
  /// The replication slot; nil: `tidemark`.
  public var slotName: String?
  /// How long a commit may wait at most before it is stored, while log is written.
  public var flushInterval: GoDuration

  /// Archiving to `destinationName`.
  public init(enabled: Bool = true, destinationName: String, slotName: String? = nil) {
    (self.enabled, self.destinationName, self.slotName) = (enabled, destinationName, slotName)
    flushInterval = Self.defaultFlushInterval
  }

  static let defaultFlushInterval = GoDuration(.seconds(5))
  static let defaultSlotName = "tidemark"

  /// The replication slot that is used.
  public var effectiveSlotName: String { slotName ?? Self.defaultSlotName }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    enabled = try container.decode(.enabled, default: false)
    destinationName = try container.decode(.destinationName, default: "")
    slotName = try container.decodeIfPresent(String.self, forKey: .slotName)
    flushInterval = try container.decode(.flushInterval, default: Self.defaultFlushInterval)
  }
}

/// What a restored or cloned instance is made of.
public struct InstanceTemplate: Codable, Sendable, Equatable {
  /// The container image; default `postgres:<major>`.
  public var image: String?
  /// The size of its volume.
  public var storage: Quantity?
  /// The class of its volume.
  public var storageClassName: String?
  /// The container's resources.
  public var resources: ResourceRequirements?
  /// Settings of `postgresql.conf` that replace those of the backup.
  public var parameters: [String: String]?

  /// A template that changes nothing.
  public init() {}

  /// This template with every field that `overrides` sets in place of its own.
  public func overridden(by overrides: InstanceTemplate?) -> InstanceTemplate {
    guard let overrides else { return self }
    var merged = self
    merged.image = overrides.image ?? image
    merged.storage = overrides.storage ?? storage
    merged.storageClassName = overrides.storageClassName ?? storageClassName
    merged.resources = overrides.resources ?? resources
    merged.parameters = (parameters ?? [:]).merging(overrides.parameters ?? [:]) { _, new in new }
    return merged
  }
}

/// A container's requests and limits, as in a pod.
public struct ResourceRequirements: Codable, Sendable, Equatable {
  /// What is reserved, by resource name.
  public var requests: [String: Quantity]?
  /// What may not be exceeded, by resource name.
  public var limits: [String: Quantity]?
}
