public import TidemarkAPI

/// The identity of an instance: a PostgreSQL server that Tidemark made.
public struct InstanceID: Hashable, Sendable, Codable, CustomStringConvertible {
  /// The namespace of the resource that it was made for.
  public var namespace: String
  /// A name, unique in the namespace.
  public var name: String

  /// The instance of this name.
  public init(namespace: String, name: String) { (self.namespace, self.name) = (namespace, name) }

  public var description: String { "\(namespace)/\(name)" }
}

/// Where an instance lies, and how its restored server will reach the archive.
public struct InstancePlace: Sendable, Equatable {
  /// The data directory, as the step that fills it sees it. Its parent exists, it itself may not.
  public var dataDirectory: String
  /// A folder for what recovery needs (the archive's coordinates and secrets); removed after recovery.
  public var recoveryDirectory: String
  /// The program to put into `restore_command`, as the server will see it.
  public var restoreProgram: String
  /// The volume that holds both folders, where a step has to be given it.
  public var volume: StepVolume?
  /// The folder in which the server finds the archive's secrets; nil: the step puts them into the recovery directory.
  public var secretsDirectory: String?
  /// The file with the authorities that the server's machine is to trust; nil: it has its own.
  public var authoritiesFile: String?

  /// A place of this machine.
  public init(dataDirectory: String, recoveryDirectory: String, restoreProgram: String) {
    (self.dataDirectory, self.recoveryDirectory) = (dataDirectory, recoveryDirectory)
    self.restoreProgram = restoreProgram
  }
}

/// What an instance is to be.
public struct InstanceWish: Sendable {
  /// The name of the Database that it belongs to, and goes with.
  public var database: String
  /// What it is made of, as far as its host has a choice.
  public var template: InstanceTemplate
  /// How many bytes its data have, where that is known.
  public var expectedBytes: Int64?
  /// The archive's secrets, by file name. Never logged.
  public var secrets: [String: [UInt8]]

  /// An instance of `database`.
  public init(
    database: String, template: InstanceTemplate = InstanceTemplate(), expectedBytes: Int64? = nil,
    secrets: [String: [UInt8]] = [:]
  ) {
    (self.database, self.template) = (database, template)
    (self.expectedBytes, self.secrets) = (expectedBytes, secrets)
  }
}

/// How far an instance is.
public enum InstanceState: Sendable, Equatable {
  /// There is no place for it.
  case absent
  /// It has a place, and its server does not run.
  case stopped
  /// Its server has been started and does not answer yet, or is ending.
  case starting
  /// Its server was started and can't run yet; `message` says why, and somebody may have to mend it.
  case waiting(message: String)
  /// Its server replays its write-ahead log, up to `replayed` so far.
  case recovering(replayed: String?)
  /// Its server takes connections and writes.
  case running(RunningInstance)
  /// Its server ended by itself; `message` is what it last said.
  case failed(message: String)
}

/// What is known of a server that takes writes.
public struct RunningInstance: Sendable, Equatable {
  /// Where it is reached.
  public var endpoint: Endpoint
  /// The moment that its recovery reached.
  public var recoveredTo: RecoveredTo

  /// A server at `endpoint`.
  public init(endpoint: Endpoint, recoveredTo: RecoveredTo) {
    (self.endpoint, self.recoveredTo) = (endpoint, recoveredTo)
  }
}

/// The role through which Tidemark asks an instance how it is. Never logged.
public struct InstanceRole: Sendable {
  /// The role's name.
  public var username: String
  /// Its password.
  public var password: String
  /// The database to connect to.
  public var database: String

  /// The given role.
  public init(username: String, password: String, database: String) {
    (self.username, self.password, self.database) = (username, password, database)
  }
}

/// What holds instances: StatefulSets of a cluster, or data directories of this machine. Every call may be repeated.
public protocol InstanceHost: Sendable {
  /// Makes a place for an instance, or finds the one that it has.
  func reserve(_ id: InstanceID, _ wish: InstanceWish) async throws -> InstancePlace

  /// The instances of the Database called `database`, whether their servers run or not.
  func instances(of database: String, in namespace: String) async throws -> [InstanceID]

  /// Starts the instance's server, of the given major version, unless it runs.
  func start(_ id: InstanceID, serverMajor: Int) async throws

  /// How far the instance is.
  func state(of id: InstanceID, as role: InstanceRole) async throws -> InstanceState

  /// Ends what recovery needed: its settings and the archive's secrets. The server goes on.
  ///
  /// Where the restored server does not know the role's password, it is given that password. Databases that a switch
  /// had closed before the recovered moment are opened.
  func finishRecovery(_ id: InstanceID, role: InstanceRole) async throws

  /// What keeps clients out of the instance's server, as a superuser of it; `role` is for finding one.
  func fence(of id: InstanceID, as role: InstanceRole) async throws -> Fence

  /// Puts the data of `aside` into the place of `live`, and those of `live` into that of `aside`: the data of the
  /// incarnation `incoming` are then served where those of `outgoing` were. Both servers must be stopped.
  func exchange(_ live: InstanceID, _ aside: InstanceID, incoming: String, outgoing: String) async throws

  /// Stops the instance's server, with a checkpoint; clients are disconnected.
  func stop(_ id: InstanceID) async throws

  /// Stops the instance and removes all of it.
  func remove(_ id: InstanceID) async throws
}
