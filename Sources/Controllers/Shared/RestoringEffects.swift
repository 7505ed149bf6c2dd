import KubeModel
import KubeRuntime
import Steps
import TidemarkAPI

/// Carries out what a plan that leads to a restored instance asks for.
struct RestoringEffects: Sendable {
  /// What is to be restored, and for whom.
  struct Wish: Sendable {
    var kind: RestoringKind
    /// Of the resource that asks for it.
    var metadata: ObjectMeta
    var moment = PointInTime()
    /// The base backup to whose end it is restored, in place of a moment.
    var snapshot: String?
    /// What the instance is made of.
    var template: InstanceTemplate
    /// The Database that the instance belongs to, and goes with.
    var database: String
  }

  /// Whose data are restored.
  struct Source: Sendable {
    /// Its place in the store.
    var place: DatabasePlace
    /// The incarnation to recover along where the moment names none; nil where that is not known.
    var incarnation: String?
  }

  let environment: ControllerEnvironment
  let run: StepID
  let instance: InstanceID

  /// The input of the step, with a place for the instance.
  func request(
    _ wish: Wish, from source: Source, _ destination: BackupDestination
  ) async throws -> StepRequest {
    guard let served = ServedResource(wish.metadata) else { throw VanishedResource() }
    let store = try await DestinationAccess.read(destination, by: environment.secrets)
    let place = try await environment.host.reserve(
      instance,
      InstanceWish(
        database: wish.database, template: wish.template, expectedBytes: expectedBytes(of: source.place),
        secrets: store.secrets))
    let input = RestoreDatabaseInput(
      kind: wish.kind, resource: served, cluster: environment.cluster, store: store.input, database: source.place,
      pointInTime: wish.moment, snapshot: wish.snapshot, activeIncarnation: source.incarnation,
      dataDirectory: place.dataDirectory, recoveryDirectory: place.recoveryDirectory,
      restoreProgram: place.restoreProgram, parameters: wish.template.parameters ?? [:],
      secretsDirectory: place.secretsDirectory, authoritiesFile: place.authoritiesFile)
    return StepRequest(
      id: run,
      subject: StepSubject(
        apiVersion: TidemarkGroup.apiVersion, kind: wish.kind.rawValue, name: served.name, uid: served.uid),
      step: .restoreDatabase, input: try StepRequest.encode(input), secrets: store.secrets,
      volumes: [place.volume].compactMap { $0 })
  }

  /// The size of the largest base backup that is known of `source`.
  private func expectedBytes(of source: DatabasePlace) -> Int64? {
    environment.stores.backups(of: ObjectKey(namespace: source.namespace, name: source.name)).filter {
      $0.subject.method == .physical
    }
    .compactMap { $0.status?.size?.logical }.max()
  }

  /// Carries out an action; `request` is the step's, and `adopt` makes of the instance what it was restored for.
  func perform(
    _ action: RestoreAction, for object: some KubeResource, request: () async throws -> StepRequest,
    adopt: (RestoredDatabaseProduct, RunningInstance) async throws -> Void
  ) async throws {
    switch action {
    case .addFinalizer: _ = try await environment.finalizer.add(to: object)
    case .removeFinalizer: try await environment.finalizer.remove(from: object)
    case .startRun:
      let request = try await request()
      try await environment.start(request)
    case .stopRun: try await environment.runner.stop(run)
    case .discardRun: try await environment.runner.discard(run)
    case .startInstance(let major): try await environment.host.start(instance, serverMajor: major)
    case .removeInstance: try await environment.host.remove(instance)
    case .adopt(let product, let running): try await adopt(product, running)
    }
  }
}

extension Database {
  /// What an instance that is restored for it is made of, with what is to be different.
  func template(_ overrides: InstanceTemplate?) -> InstanceTemplate {
    (spec.instance ?? InstanceTemplate()).overridden(by: overrides)
  }

  /// The incarnation that the live server lives; nil while that is not known.
  var liveIncarnation: String? { incarnation(of: liveInstance) }

  /// Whether `instance` is the live one, by the data that it holds.
  func isLive(_ instance: DatabaseInstance) -> Bool {
    let live = liveInstance
    return live.name == instance.name && live.incarnation == instance.incarnation
  }

  /// Whether what the receiver says is about the live server's incarnation: right after a switch it may be an older
  /// receiver's word.
  var isArchivingLive: Bool { liveIncarnation != nil && status?.activeIncarnation == liveIncarnation }

  /// The uid of the RestoreRequest that moves the clients just now; nil where none does.
  var switchingRestore: String? { metadata.annotations[TidemarkAnnotation.switching] }
}
