import Foundation
import KubeClient
public import KubeModel
public import KubeRuntime
import Steps
import TidemarkAPI

/// Brings Backups to completion, one a target at a time, and forgets their snapshots when they are deleted.
public struct BackupReconciler: Reconciler {
  let environment: ControllerEnvironment

  /// A reconciler in this environment.
  public init(_ environment: ControllerEnvironment) { self.environment = environment }

  public func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    guard let cached = environment.stores.backups[key], let backup = try await newest(cached) else { return .done }
    let plan = BackupPlan.make(try await observe(backup))
    return try await environment.carryOut(plan, for: backup, backup.status?.ownedByController) { action, current in
      try await perform(action, for: current)
    }
  }

  /// What is final stays so, whatever is newer; there may be thousands of those.
  private func newest(_ cached: Backup) async throws -> Backup? {
    cached.status?.phase?.isFinal == true ? cached : try await environment.newest(cached)
  }

  private func observe(_ backup: Backup) async throws -> BackupObservation {
    let stores = environment.stores
    let namespace = backup.metadata.namespace
    let subject = backup.subject
    let database = subject.target.database.map { ObjectKey(namespace: namespace, name: $0) }
    let siblings = stores.backups(of: subject.target, in: namespace)
    let run = try await environment.state(of: backup.runID)
    var seen = BackupObservation(
      backup: backup, database: database.flatMap { stores.databases[$0] },
      bucket: subject.target.bucket.flatMap { stores.buckets[ObjectKey(namespace: namespace, name: $0)] },
      application: try await application(of: backup, run),
      destination: stores.destinations[ObjectKey(namespace: namespace, name: subject.destinationName)],
      rivals: siblings.filter {
        $0.metadata.uid != backup.metadata.uid && $0.status?.phase?.isFinal != true && !$0.metadata.isDeleting
      },
      forgottenBefore: siblings.first { $0.isForgottenBefore(backup) },
      run: run, forgetting: try await environment.state(of: backup.forgetID), now: .now)
    seen.namespaceEnds = try await namespaceEnds(of: backup)
    return seen
  }

  /// Asked only where a snapshot is to be forgotten.
  private func namespaceEnds(of backup: Backup) async throws -> Bool {
    guard backup.metadata.isDeleting, backup.spec.deletionPolicy == .delete,
      backup.metadata.finalizers.contains(TidemarkGroup.finalizer), let name = backup.metadata.namespace
    else { return false }
    let namespace = try await environment.client.find(Namespace.self, ObjectKey(namespace: nil, name: name))
    return namespace?.status?.phase == "Terminating"
  }

  /// The application is looked at only while its step may be started.
  private func application(of backup: Backup, _ run: StepState) async throws -> ApplicationSight? {
    guard let reference = backup.subject.target.application, run == .absent, !backup.metadata.isDeleting,
      backup.discovery == .none, backup.status?.phase?.isFinal != true
    else { return nil }
    return try await environment.applications.find(reference, in: backup.metadata.namespace)
  }

  private func perform(_ action: BackupPlan.Action, for backup: Backup) async throws {
    let runner = environment.runner
    switch action {
    case .addFinalizer: _ = try await environment.finalizer.add(to: backup)
    case .removeFinalizer: try await environment.finalizer.remove(from: backup)
    case .start:
      try await environment.start(try await request(for: backup))
    case .stopRun: try await runner.stop(backup.runID)
    case .discardRun: try await runner.discard(backup.runID)
    case .scaleDown, .scaleUp:
      guard let application = backup.subject.target.application else { return }
      let (namespace, uid) = (backup.metadata.namespace, backup.metadata.uid ?? "")
      if action == .scaleDown {
        try await environment.applications.scaleDown(application, in: namespace, for: uid)
      } else {
        try await environment.applications.scaleUp(application, in: namespace, for: uid)
      }
    case .forget:
      let request = try await forgetRequest(backup)
      try await environment.start(request)
    case .discardForgetting: try await runner.discard(backup.forgetID)
    case .expire:
      _ = try await environment.client.deleteIfPresent(
        Backup.self, backup.key, options: DeleteOptions(uid: backup.metadata.uid))
    }
  }

  private func baseBackupRequest(_ backup: Backup) async throws -> StepRequest {
    let (database, destination) = try parts(of: backup)
    let store = try await DestinationAccess.read(destination, by: environment.secrets)
    let server = try await ServerAccess.read(database, by: environment.secrets)
    guard let served = ServedResource(backup.metadata), let subject = StepSubject(backup) else {
      throw VanishedResource()
    }
    let input = BaseBackupInput(
      backup: served, cluster: environment.cluster, store: store.input, database: database.place,
      server: server.input, incarnation: database.liveInstance.incarnation,
      // What an instance of Tidemark's holds, its incarnation says.
      systemIdentifier: database.hostedInstance == nil ? database.originalSystemIdentifier : nil)
    return StepRequest(
      id: backup.runID, subject: subject, step: .baseBackup, input: try StepRequest.encode(input),
      secrets: store.secrets.merging(server.secrets) { first, _ in first })
  }

  private func dumpRequest(_ backup: Backup) async throws -> StepRequest {
    let (database, destination) = try parts(of: backup)
    let store = try await DestinationAccess.read(destination, by: environment.secrets)
    let server = try await ServerAccess.read(database, as: .admin, by: environment.secrets)
    guard let served = ServedResource(backup.metadata), let subject = StepSubject(backup) else {
      throw VanishedResource()
    }
    let input = DumpInput(
      backup: served, cluster: environment.cluster, store: store.input, database: database.place,
      server: server.input, programDirectory: environment.programDirectory)
    return StepRequest(
      id: backup.runID, subject: subject, step: .dump, input: try StepRequest.encode(input),
      secrets: store.secrets.merging(server.secrets) { first, _ in first })
  }

  private func forgetRequest(_ backup: Backup) async throws -> StepRequest {
    let subject = backup.subject
    let destinationKey = ObjectKey(namespace: backup.metadata.namespace, name: subject.destinationName)
    // The Backup is being deleted, and may be so in the foreground: what it owns would be deleted under our hands.
    guard let destination = environment.stores.destinations[destinationKey],
      let served = StepSubject(backup, bond: .outlives)
    else { throw VanishedResource() }
    let store = try await DestinationAccess.read(destination, by: environment.secrets)
    let namespace = backup.metadata.namespace ?? ""
    let place = subject.target.database.map { DatabasePlace(namespace: namespace, name: $0) }
    let database = place.flatMap { environment.stores.databases[ObjectKey(namespace: $0.namespace, name: $0.name)] }
    let snapshots = backup.status?.snapshots?.map(\.snapshot) ?? []
    let input = ForgetInput(
      store: store.input, repositoryPrefix: subject.target.repositoryPrefix(namespace: namespace) ?? "",
      snapshot: backup.status?.snapshot, backup: backup.metadata.uid,
      furtherSnapshots: snapshots.count > 1 ? Array(snapshots.dropFirst()) : nil, database: place,
      activeIncarnation: database?.status?.activeIncarnation)
    return StepRequest(
      id: backup.forgetID, subject: served, step: .forget, input: try StepRequest.encode(input), secrets: store.secrets)
  }

  private func request(for backup: Backup) async throws -> StepRequest {
    let subject = backup.subject
    if subject.target.bucket != nil { return try await bucketRequest(backup) }
    if let reference = subject.target.application { return try await volumesRequest(backup, of: reference) }
    return try await subject.method == .logical ? dumpRequest(backup) : baseBackupRequest(backup)
  }

  private func parts(of backup: Backup) throws -> (Database, BackupDestination) {
    let (namespace, subject) = (backup.metadata.namespace, backup.subject)
    let stores = environment.stores
    guard
      let database = stores.databases[ObjectKey(namespace: namespace, name: subject.target.database ?? "")],
      let destination = stores.destinations[ObjectKey(namespace: namespace, name: subject.destinationName)]
    else { throw VanishedResource() }
    return (database, destination)
  }
}

/// Something that the plan saw is gone now: the next reconcile sees that too.
struct VanishedResource: Error, CustomStringConvertible {
  var description: String { "a resource that was there a moment ago is gone; looked at again" }
}

extension Backup {
  /// The run of the step that takes it: its name does not hang on the spec, which may change meanwhile.
  var runID: StepID { StepID(namespace: metadata.namespace ?? "", name: "base-backup-\(metadata.uid ?? "")") }
  var forgetID: StepID { StepID(namespace: metadata.namespace ?? "", name: "forget-\(metadata.uid ?? "")") }
}

extension Database {
  /// Where it lies in its destination.
  var place: DatabasePlace { DatabasePlace(namespace: metadata.namespace ?? "", name: metadata.name ?? "") }
}

extension StepRequest {
  /// A step's input as JSON, the same bytes for the same input.
  static func encode(_ input: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(input))
  }
}
