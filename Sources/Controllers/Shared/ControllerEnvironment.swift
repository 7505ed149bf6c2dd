public import KubeClient
import KubeModel
public import KubeRuntime
public import Logging
public import Steps
import TidemarkAPI

/// What reconcilers work with. They know neither a cluster's steps and instances from local ones, nor where the stores
/// come from.
public struct ControllerEnvironment: Sendable {
  let client: KubeClient
  let stores: Stores
  let runner: any StepRunner
  /// What wakes reconcilers where steps run in a cluster; nil where they run as processes, which are only looked at.
  let runs: ClusterRuns?
  let host: any InstanceHost
  let events: EventRecorder
  /// How steps reach the API server.
  let cluster: ClusterAccess
  /// The folder of PostgreSQL's client programs, for steps; nil: where Debian has them.
  let programDirectory: String?
  let logger: Logger
  /// By Database: its receiver or its instance is started, or a switch stops that one and exchanges its data, not both
  /// at once.
  let receiverTurns = KeyedTurns()
  let meter = StepMeter()

  /// An environment of these parts; the stores are declared at `runtime`.
  public init(
    client: KubeClient, runtime: Runtime, runner: any StepRunner, host: any InstanceHost, events: EventRecorder,
    cluster: ClusterAccess, programDirectory: String? = nil, runs: ClusterRuns? = nil, logger: Logger
  ) {
    self.client = client
    stores = Stores(runtime)
    (self.runner, self.host, self.events, self.cluster, self.logger) = (runner, host, events, cluster, logger)
    self.programDirectory = programDirectory
    self.runs = runs
  }

  var applications: Applications { Applications(client: client) }
  var secrets: SecretReader { SecretReader(client: client) }
  var statuses: StatusWriter { StatusWriter(client: client, fieldManager: TidemarkGroup.controllerFieldManager) }
  var finalizer: Finalizer { Finalizer(TidemarkGroup.finalizer, client: client) }

  /// An object as the API server has it now; nil where it is gone, or where another has its name.
  ///
  /// A cache may not know yet what the last reconcile wrote: by it, what has just ended would begin anew.
  func newest<Resource: KubeResource>(_ cached: Resource) async throws -> Resource? {
    let fresh = try await client.find(Resource.self, cached.key)
    return fresh?.metadata.uid == cached.metadata.uid ? fresh : nil
  }

  /// How far a run is.
  func state(of id: StepID) async throws -> StepState {
    let state = try await runner.state(of: id)
    meter.saw(state, of: id)
    return state
  }

  /// Starts a run anew: what an earlier one left is discarded first.
  func start(_ request: StepRequest) async throws {
    try await runner.discard(request.id)
    try await runner.start(request)
    meter.started(request)
  }
}

/// The caches that reconcilers share.
struct Stores: Sendable {
  let destinations: Store<BackupDestination>
  let databases: Store<Database>
  let buckets: Store<Bucket>
  let backups: Store<Backup>
  let clones: Store<PITRClone>
  let restores: Store<RestoreRequest>
  let schedules: Store<BackupSchedule>

  init(_ runtime: Runtime) {
    destinations = runtime.store(of: BackupDestination.self)
    databases = runtime.store(
      of: Database.self,
      indexes: [StoreIndex(Self.byDestination) { [$0.spec.pitr?.destinationName].compactMap { $0 } }])
    buckets = runtime.store(of: Bucket.self)
    backups = runtime.store(
      of: Backup.self,
      indexes: [
        StoreIndex(Self.byDestination) { [$0.subject.destinationName] },
        StoreIndex(Self.byTarget) { [$0.subject.target.identity].compactMap { $0 } },
        StoreIndex(Self.bySchedule) { [$0.metadata.labels[TidemarkLabel.schedule]].compactMap { $0 } },
      ])
    clones = runtime.store(
      of: PITRClone.self, indexes: [StoreIndex(Self.byDatabase) { [$0.spec.database] }])
    restores = runtime.store(
      of: RestoreRequest.self,
      indexes: [StoreIndex(Self.byDatabase) { [$0.status?.database].compactMap { $0 } }])
    schedules = runtime.store(
      of: BackupSchedule.self, indexes: [StoreIndex(Self.bySchedule) { [$0.labelValue] }])
  }

  /// Objects by the name of their destination; the namespace is checked by the reader.
  static let byDestination = "destination"
  /// Objects by the name of their Database.
  static let byDatabase = "database"
  /// Backups by what they are of.
  static let byTarget = "target"
  /// Objects by the label that a schedule's Backups have.
  static let bySchedule = "schedule"

  /// The Backups of a Database.
  func backups(of database: ObjectKey) -> [Backup] {
    backups(of: BackupTarget(database: database.name), in: database.namespace)
  }

  /// The Backups of a target.
  func backups(of target: BackupTarget, in namespace: String?) -> [Backup] {
    guard let identity = target.identity else { return [] }
    return backups.objects(index: Self.byTarget, value: identity).filter { $0.metadata.namespace == namespace }
  }

  /// The RestoreRequests of a Database, once they know that they are.
  func restores(of database: ObjectKey) -> [RestoreRequest] {
    restores.objects(index: Self.byDatabase, value: database.name)
      .filter { $0.metadata.namespace == database.namespace }
  }
}
