import KubeModel
public import KubeRuntime
import TidemarkAPI

/// Tidemark's controllers, one a kind, and what each of them watches.
public enum TidemarkControllers {
  /// Adds the controllers of all kinds to `runtime`.
  public static func add(to runtime: Runtime, in environment: ControllerEnvironment) {
    let stores = environment.stores
    let logger = environment.logger

    let destinations = Controller(
      name: "backupdestination", reconciler: DestinationReconciler(environment), logger: logger)
    destinations.watch(stores.destinations)
    environment.runs?.wake(destinations, serving: BackupDestination.self)
    runtime.add(destinations)

    let buckets = Controller(name: "bucket", reconciler: BucketReconciler(environment), logger: logger)
    buckets.watch(stores.buckets, filter: .generationChanged)
    buckets.watch(stores.backups, filter: .phaseChanged) { backup in
      backup.subject.target.bucket.map { [ObjectKey(namespace: backup.metadata.namespace, name: $0)] } ?? []
    }
    runtime.add(buckets)

    let databases = Controller(
      name: "database", configuration: ControllerConfiguration(workers: 4),
      reconciler: DatabaseReconciler(environment), logger: logger)
    databases.watch(stores.databases, filter: .generationChanged.or(.gapAppeared).or(.serverMoved))
    databases.watch(stores.destinations, filter: .healthChanged) { destination in
      stores.databases.objects(index: Stores.byDestination, value: destination.metadata.name ?? "")
        .filter { $0.metadata.namespace == destination.metadata.namespace }.map(\.key)
    }
    databases.watch(stores.backups, filter: .phaseChanged) { $0.databaseKey.map { [$0] } ?? [] }
    environment.runs?.wake(databases, serving: Database.self)
    runtime.add(databases)

    let backups = Controller(
      name: "backup", configuration: ControllerConfiguration(workers: 4), reconciler: BackupReconciler(environment),
      logger: logger)
    backups.watch(stores.backups)
    environment.runs?.wake(backups, serving: Backup.self)
    runtime.add(backups)

    let clones = Controller(name: "pitrclone", reconciler: CloneReconciler(environment), logger: logger)
    clones.watch(stores.clones)
    environment.runs?.wake(clones, serving: PITRClone.self)
    runtime.add(clones)

    let restores = Controller(name: "restorerequest", reconciler: RestoreReconciler(environment), logger: logger)
    restores.watch(stores.restores)
    restores.watch(stores.databases, filter: .serverMoved) { database in
      stores.restores(of: database.key).map(\.key)
    }
    environment.runs?.wake(restores, serving: RestoreRequest.self)
    runtime.add(restores)

    let schedules = Controller(name: "backupschedule", reconciler: ScheduleReconciler(environment), logger: logger)
    schedules.watch(stores.schedules, filter: .generationChanged.or(.annotationsChanged))
    schedules.watch(stores.backups, filter: .phaseChanged) { stores.schedules(of: $0) }
    runtime.add(schedules)

    if let runs = environment.runs { addSweeper(runs, to: runtime, in: environment) }
  }

  private static func addSweeper(_ runs: ClusterRuns, to runtime: Runtime, in environment: ControllerEnvironment) {
    let sweeper = Controller(
      name: "runs", configuration: ControllerConfiguration(workers: 1),
      reconciler: RunSweeper(environment: environment, runner: runs.runner), logger: environment.logger)
    sweeper.watch(runs.jobs, filter: .endingChanged) { _ in [RunSweeper.key] }
    sweeper.enqueue(RunSweeper.key)
    runtime.add(sweeper)
  }
}

extension ChangeFilter<BackupDestination> {
  /// Whether the destination became, or ceased to be, Ready.
  static var healthChanged: Self {
    Self { old, new in
      old.status?.conditions?.isTrue(ConditionType.ready) != new.status?.conditions?.isTrue(ConditionType.ready)
    }
  }
}

extension ChangeFilter<Database> {
  /// Whether the receiver recorded another gap.
  static var gapAppeared: Self {
    Self { old, new in old.status?.recoveryWindow?.gaps != new.status?.recoveryWindow?.gaps }
  }
}

extension ChangeFilter<Database> {
  /// Whether a switch began, moved the clients, or ended.
  static var serverMoved: Self {
    Self { old, new in
      old.liveInstance != new.liveInstance || old.switchingRestore != new.switchingRestore
    }
  }
}

extension ChangeFilter<BackupSchedule> {
  /// Whether a person approved something.
  static var annotationsChanged: Self { Self { old, new in old.metadata.annotations != new.metadata.annotations } }
}

extension ChangeFilter<Backup> {
  /// Whether the backup went on to another phase.
  static var phaseChanged: Self { Self { old, new in old.status?.phase != new.status?.phase } }
}

extension Backup {
  /// The Database that it protects.
  var databaseKey: ObjectKey? {
    subject.target.database.map { ObjectKey(namespace: metadata.namespace, name: $0) }
  }
}
