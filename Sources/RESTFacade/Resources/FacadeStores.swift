import KubeModel
import KubeRuntime
import TidemarkAPI

/// The caches that answers are read from.
struct FacadeStores: Sendable {
  let destinations: Store<BackupDestination>
  let databases: Store<Database>
  let backups: Store<Backup>
  let schedules: Store<BackupSchedule>
  let restores: Store<RestoreRequest>
  let clones: Store<PITRClone>
  /// The Backups of each Database, in the order of lists.
  let backupsOfDatabase: Timeline<Backup>

  /// Objects by their uid.
  static let byUID = "uid"

  init(_ runtime: Runtime) {
    func store<R: KubeResource>(_ type: R.Type) -> Store<R> {
      runtime.store(of: type, indexes: [StoreIndex(Self.byUID) { [$0.metadata.uid].compactMap { $0 } }])
    }
    destinations = store(BackupDestination.self)
    databases = store(Database.self)
    backups = store(Backup.self)
    schedules = store(BackupSchedule.self)
    restores = store(RestoreRequest.self)
    clones = store(PITRClone.self)
    backupsOfDatabase = Timeline(backups) { backup in
      backup.spec.target.database.map { ObjectKey(namespace: backup.metadata.namespace, name: $0) }
    }
  }
}

extension Store {
  /// The object of this uid.
  func object(uid: String) -> R? { objects(index: FacadeStores.byUID, value: uid).first }
}
