import KubeModel
import KubeRuntime
import TidemarkAPI

/// The caches that answers are read from.
struct FacadeStores: Sendable {
  let destinations: Store<BackupDestination>
  let databases: Store<Database>
  let buckets: Store<Bucket>
  let backups: Store<Backup>
  let schedules: Store<BackupSchedule>
  let restores: Store<RestoreRequest>
  let clones: Store<PITRClone>
  /// The Backups of each target, by its identity, in the order of lists.
  let backupsOfTarget: Timeline<Backup>

  /// Objects by their uid.
  static let byUID = "uid"

  init(_ runtime: Runtime) {
    func store<R: KubeResource>(_ type: R.Type) -> Store<R> {
      runtime.store(of: type, indexes: [StoreIndex(Self.byUID) { [$0.metadata.uid].compactMap { $0 } }])
    }
    destinations = store(BackupDestination.self)
    databases = store(Database.self)
    buckets = store(Bucket.self)
    backups = store(Backup.self)
    schedules = store(BackupSchedule.self)
    restores = store(RestoreRequest.self)
    clones = store(PITRClone.self)
    backupsOfTarget = Timeline(backups) { backup in
      backup.spec.target.identity.map { ObjectKey(namespace: backup.metadata.namespace, name: $0) }
    }
  }
}

extension Timeline<Backup> {
  /// A page of the Backups of a target.
  func page(_ request: PageRequest, of target: BackupTarget, in namespace: String?) -> Page<Backup> {
    guard let identity = target.identity else { return Page(items: [], next: nil) }
    return page(request, of: ObjectKey(namespace: namespace, name: identity))
  }
}

extension Store {
  /// The object of this uid.
  func object(uid: String) -> R? { objects(index: FacadeStores.byUID, value: uid).first }
}
