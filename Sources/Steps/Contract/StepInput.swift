import Foundation
public import KubeModel
public import TidemarkAPI

/// The resource that a step serves: it writes progress to this one's status.
public struct ServedResource: Codable, Sendable, Equatable {
  /// The resource's namespace.
  public var namespace: String
  /// The resource's name.
  public var name: String
  /// The one life of the resource that the step was started for: another's status is not touched.
  public var uid: String

  /// The resource that `metadata` describe; nil before the server gave it a uid.
  public init?(_ metadata: ObjectMeta) {
    guard let namespace = metadata.namespace, let name = metadata.name, let uid = metadata.uid else { return nil }
    (self.namespace, self.name, self.uid) = (namespace, name, uid)
  }
}

/// How a step reaches the Kubernetes API.
public struct ClusterAccess: Codable, Sendable, Equatable {
  /// A kubeconfig file; nil: the service account of the pod that the step runs in.
  public var kubeconfig: String?

  /// Access by this kubeconfig.
  public init(kubeconfig: String?) { self.kubeconfig = kubeconfig }
}

/// How a step reaches an object store. Files are named relative to the input's folder.
public struct StoreInput: Codable, Sendable, Equatable {
  /// The endpoint's URL, as resolved.
  public var endpoint: String
  /// The region that requests are signed for.
  public var region: String
  /// The bucket's name.
  public var bucket: String
  /// What every key of the destination begins with; empty for the whole bucket.
  public var prefix: String
  /// How the bucket's name is sent.
  public var addressingStyle: AddressingStyle
  /// The file with the access key id.
  public var accessKeyIDFile: String
  /// The file with the secret access key.
  public var secretAccessKeyFile: String
  /// The file with the certificate authority, in PEM; nil: the system's.
  public var caFile: String?
  /// Whether any certificate is accepted.
  public var insecureSkipVerify: Bool
  /// Bytes per second towards the store; nil: no bound.
  public var uploadBytesPerSecond: Int64?
  /// Bytes per second from the store; nil: no bound.
  public var downloadBytesPerSecond: Int64?
  /// The file with the repositories' password.
  public var passwordFile: String

  /// An input of these parts.
  public init(
    endpoint: String, region: String, bucket: String, prefix: String, addressingStyle: AddressingStyle,
    accessKeyIDFile: String, secretAccessKeyFile: String, caFile: String? = nil, insecureSkipVerify: Bool,
    uploadBytesPerSecond: Int64? = nil, downloadBytesPerSecond: Int64? = nil, passwordFile: String
  ) {
    self.endpoint = endpoint
    self.region = region
    self.bucket = bucket
    self.prefix = prefix
    self.addressingStyle = addressingStyle
    self.accessKeyIDFile = accessKeyIDFile
    self.secretAccessKeyFile = secretAccessKeyFile
    self.caFile = caFile
    self.insecureSkipVerify = insecureSkipVerify
    self.uploadBytesPerSecond = uploadBytesPerSecond
    self.downloadBytesPerSecond = downloadBytesPerSecond
    self.passwordFile = passwordFile
  }
}

/// How a step reaches a PostgreSQL server. Files are named relative to the input's folder.
public struct ServerInput: Codable, Sendable, Equatable {
  /// A host name, an address, or a folder with the server's Unix socket.
  public var host: String
  /// The TCP port.
  public var port: Int
  /// The database for queries.
  public var database: String
  /// How much of TLS is asked for.
  public var sslMode: SSLMode
  /// The file with the role's name.
  public var usernameFile: String
  /// The file with the role's password.
  public var passwordFile: String
  /// The file with the certificate authority, in PEM.
  public var caFile: String?
  /// The file with the certificate that says who we are, in PEM; nil: the password says it.
  public var certificateFile: String?
  /// The file with that certificate's key, in PEM.
  public var keyFile: String?

  /// An input of these parts.
  public init(
    host: String, port: Int, database: String, sslMode: SSLMode, usernameFile: String, passwordFile: String,
    caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil
  ) {
    (self.certificateFile, self.keyFile) = (certificateFile, keyFile)
    self.host = host
    self.port = port
    self.database = database
    self.sslMode = sslMode
    self.usernameFile = usernameFile
    self.passwordFile = passwordFile
    self.caFile = caFile
  }
}

/// Where a database lies in its destination.
public struct DatabasePlace: Codable, Sendable, Equatable {
  /// The Database's namespace.
  public var namespace: String
  /// The Database's name.
  public var name: String

  /// The place of the Database of this key.
  public init(namespace: String, name: String) { (self.namespace, self.name) = (namespace, name) }

  /// What the keys of all that belongs to it begin with, below the destination's prefix.
  public var prefix: String { "databases/\(namespace)/\(name)/" }

  /// Where its restic repository lies.
  public var repositoryPrefix: String { prefix + "repo/" }
}

/// The input of `base-backup`.
public struct BaseBackupInput: Codable, Sendable, Equatable {
  /// The Backup.
  public var backup: ServedResource
  /// Where progress is written.
  public var cluster: ClusterAccess
  /// Where the snapshot goes.
  public var store: StoreInput
  /// The database's place in the store.
  public var database: DatabasePlace
  /// The server.
  public var server: ServerInput
  /// The incarnation that the server lives; nil: that of its system identifier.
  public var incarnation: String?
  /// The system that the server must be, in decimal digits; nil: any.
  public var systemIdentifier: String?

  /// An input of these parts.
  public init(
    backup: ServedResource, cluster: ClusterAccess, store: StoreInput, database: DatabasePlace, server: ServerInput,
    incarnation: String? = nil, systemIdentifier: String? = nil
  ) {
    self.backup = backup
    self.cluster = cluster
    self.store = store
    self.database = database
    self.server = server
    self.incarnation = incarnation
    self.systemIdentifier = systemIdentifier
  }
}

/// The input of `wal-receive`.
public struct WALReceiveInput: Codable, Sendable, Equatable {
  /// The Database.
  public var resource: ServedResource
  /// Where the state of the archive is written.
  public var cluster: ClusterAccess
  /// Where the log goes.
  public var store: StoreInput
  /// The database's place in the store.
  public var database: DatabasePlace
  /// The server.
  public var server: ServerInput
  /// The replication slot.
  public var slotName: String
  /// How long a commit may wait at most before it is stored.
  public var flushInterval: GoDuration
  /// The incarnation that a restore or clone began; nil: that of the server's system identifier.
  public var incarnation: String?
  /// Where that incarnation comes from.
  public var origin: CloneOrigin?
  /// The instances that lived incarnations, by incarnation, as far as Tidemark hosts them: for the status alone.
  public var instances: [String: String]?

  /// An input of these parts.
  public init(
    resource: ServedResource, cluster: ClusterAccess, store: StoreInput, database: DatabasePlace, server: ServerInput,
    slotName: String, flushInterval: GoDuration, incarnation: String? = nil, origin: CloneOrigin? = nil,
    instances: [String: String]? = nil
  ) {
    self.resource = resource
    self.cluster = cluster
    self.store = store
    self.database = database
    self.server = server
    self.slotName = slotName
    self.flushInterval = flushInterval
    self.incarnation = incarnation
    self.origin = origin
    self.instances = instances
  }
}

/// Where the incarnation of a clone, or of a restore, left the one that it was made from.
public struct CloneOrigin: Codable, Sendable, Equatable {
  /// `<namespace>/<name>` of the Database that was cloned. nil for a restore: the parent is an incarnation of the same
  /// Database, and recovery goes on from its log to this one's.
  public var database: String?
  /// The incarnation that was left.
  public var incarnation: String
  /// The timeline that it left.
  public var timeline: UInt32
  /// Where it left it.
  public var forkLSN: String

  /// The given origin.
  public init(database: String?, incarnation: String, timeline: UInt32, forkLSN: String) {
    (self.database, self.incarnation) = (database, incarnation)
    (self.timeline, self.forkLSN) = (timeline, forkLSN)
  }
}

/// The kinds that `restore-database` serves.
public enum RestoringKind: String, Codable, Sendable, CaseIterable {
  /// A PITRClone.
  case clone = "PITRClone"
  /// A RestoreRequest.
  case restore = "RestoreRequest"
}

/// The input of `restore-database`.
public struct RestoreDatabaseInput: Codable, Sendable, Equatable {
  /// The kind of `resource`.
  public var kind: RestoringKind
  /// The PITRClone or RestoreRequest.
  public var resource: ServedResource
  /// Where progress is written.
  public var cluster: ClusterAccess
  /// Where the backup lies.
  public var store: StoreInput
  /// The source's place in the store.
  public var database: DatabasePlace
  /// The moment; no field of it is set where `snapshot` is.
  public var pointInTime: PointInTime
  /// The base backup to whose own end it is recovered, in place of a moment. Needs no archive of the log.
  public var snapshot: String?
  /// The incarnation to recover along where the moment names none; nil: the only one without a successor.
  public var activeIncarnation: String?
  /// The data directory to fill.
  public var dataDirectory: String
  /// The folder for what `restore_command` needs.
  public var recoveryDirectory: String
  /// The program for `restore_command`, as the server sees it.
  public var restoreProgram: String
  /// Settings that replace those of the backup.
  public var parameters: [String: String]
  /// The folder in which the server finds the archive's secrets, under the names that they have in `store`; nil: they
  /// are copied into the recovery directory.
  public var secretsDirectory: String?
  /// The file with the authorities that the server's machine is to trust, where `store` names none; nil: its own.
  public var authoritiesFile: String?

  /// An input of these parts.
  public init(
    kind: RestoringKind, resource: ServedResource, cluster: ClusterAccess, store: StoreInput, database: DatabasePlace,
    pointInTime: PointInTime, snapshot: String? = nil, activeIncarnation: String? = nil, dataDirectory: String,
    recoveryDirectory: String, restoreProgram: String, parameters: [String: String], secretsDirectory: String? = nil,
    authoritiesFile: String? = nil
  ) {
    (self.secretsDirectory, self.authoritiesFile) = (secretsDirectory, authoritiesFile)
    self.kind = kind
    self.resource = resource
    self.cluster = cluster
    self.store = store
    self.database = database
    self.pointInTime = pointInTime
    self.snapshot = snapshot
    self.activeIncarnation = activeIncarnation
    self.dataDirectory = dataDirectory
    self.recoveryDirectory = recoveryDirectory
    self.restoreProgram = restoreProgram
    self.parameters = parameters
  }
}

/// The input of `forget`.
public struct ForgetInput: Codable, Sendable, Equatable {
  /// Where the repository lies.
  public var store: StoreInput
  /// What the repository's keys begin with, below the destination's prefix.
  public var repositoryPrefix: String
  /// The snapshot's id; nil: the snapshots that were made for `backup`, if there are any.
  public var snapshot: String?
  /// The uid of the Backup.
  public var backup: String?
  /// Further snapshots of the same backup; nil: none.
  public var furtherSnapshots: [String]?
  /// The database whose repository it is, and whose log expires with its base backups; nil: no log lies beside.
  public var database: DatabasePlace?
  /// The incarnation that is being archived; nil: not known, and then only log before that of base backups expires.
  public var activeIncarnation: String?

  /// An input of these parts.
  public init(
    store: StoreInput, repositoryPrefix: String, snapshot: String? = nil, backup: String? = nil,
    furtherSnapshots: [String]? = nil,
    database: DatabasePlace? = nil, activeIncarnation: String? = nil
  ) {
    self.furtherSnapshots = furtherSnapshots
    self.store = store
    self.repositoryPrefix = repositoryPrefix
    (self.snapshot, self.backup) = (snapshot, backup)
    self.database = database
    self.activeIncarnation = activeIncarnation
  }
}
