import Controllers
import KubeModel
import KubeRuntime
import Steps
import Testing
import TidemarkAPI

@Suite("The plan of a RestoreRequest that loads a dump")
struct ImportPlanTests {
  private static let uid = "6f1c0a3b-1111-2222-3333-444444444444"

  private static func request(
    _ key: String = "dumps/d", _ change: (inout RestoreRequest) -> Void = { _ in }
  ) -> RestoreRequest {
    var source = RestoreSource()
    source.path = RestorePath(destinationName: "s3", key: key)
    var metadata = PlanValues.metadata("load")
    metadata.uid = uid
    var request = RestoreRequest(
      metadata: metadata, spec: RestoreRequestSpec(source: source, target: BackupTarget(database: "shop")))
    change(&request)
    return request
  }

  private static func at(
    _ phase: RestorePhase, attempts: Int = 1, key: String = "dumps/d",
    _ change: (inout RestoreRequest) -> Void = { _ in }
  ) -> RestoreRequest {
    request(key) {
      var status = RestoreRequestStatus()
      (status.phase, status.attempts, status.observedGeneration, status.database) = (phase, attempts, 1, "shop")
      if phase == .completed || phase == .failed { status.completedAt = PlanValues.now }
      $0.status = status
      change(&$0)
    }
  }

  private static func ofBackup(_ change: (inout RestoreRequest) -> Void = { _ in }) -> RestoreRequest {
    request {
      $0.spec.source.path = nil
      $0.spec.source.backupName = "first"
      $0.spec.target = nil
      change(&$0)
    }
  }

  private static func logical(_ phase: BackupPhase = .completed) -> Backup {
    PlanValues.backup {
      $0.spec.method = .logical
      var status = BackupStatus()
      (status.phase, status.snapshot) = (phase, phase == .completed ? PlanValues.product.snapshot : nil)
      $0.status = status
    }
  }

  private static let readyDatabase = PlanValues.database {
    var status = DatabaseStatus()
    status.conditions = [PlanValues.condition(ConditionType.ready, .true, Reason.connected)]
    $0.status = status
  }

  private static func seen(
    _ request: RestoreRequest, run: StepState = .absent, now: Timestamp = PlanValues.now,
    _ change: (inout ImportObservation) -> Void = { _ in }
  ) -> ImportObservation {
    var seen = ImportObservation(
      request: request, database: readyDatabase, destination: PlanValues.destination(), run: run, now: now)
    change(&seen)
    return seen
  }

  private static func plan(
    _ request: RestoreRequest = request(), run: StepState = .absent, now: Timestamp = PlanValues.now,
    _ change: (inout ImportObservation) -> Void = { _ in }
  ) -> ImportPlan {
    ImportPlan.make(seen(request, run: run, now: now, change))
  }

  private static let loaded = LoadedDump(database: "postgres", keptAs: "postgres_before_6f1c0a3b")

  @Test("a dump's path, and the dump of a logical Backup, are loaded; anything else is restored")
  func whose() {
    #expect(ImportReconciler.handles(Self.request(), backup: nil))
    #expect(ImportReconciler.handles(Self.ofBackup(), backup: Self.logical()))
    #expect(!ImportReconciler.handles(Self.ofBackup(), backup: PlanValues.backup()))
    #expect(!ImportReconciler.handles(Self.ofBackup(), backup: nil))
    #expect(!ImportReconciler.handles(PlanValues.restore(), backup: nil))
    let begun = Self.ofBackup {
      $0.status = RestoreRequestStatus()
      $0.status?.loaded = Self.loaded
    }
    #expect(ImportReconciler.handles(begun, backup: nil), "a Backup that is deleted meanwhile changes nothing")
  }

  @Test("the finalizer is there before the step is started, and the status before the start")
  func starts() {
    #expect(Self.plan(Self.request { $0.metadata.finalizers = [] }).actions == [.addFinalizer])
    let plan = Self.plan()
    #expect(plan.actions == [.start] && plan.status.phase == .preflight && plan.status.attempts == 1)
    #expect(plan.status.database == "shop" && plan.status.loaded == LoadedDump(database: "postgres"))
    let backup = Self.plan(Self.ofBackup()) { $0.backup = Self.logical() }
    #expect(backup.actions == [.start] && backup.status.database == "shop")
  }

  @Test("what is missing is waited for; what can't come fails, and nothing is to be cleared away")
  func obstacles() {
    let notReady = PlanValues.destination {
      $0.status?.conditions = [PlanValues.condition(ConditionType.ready, .false, "BucketNotFound", "no such bucket")]
    }
    let table: [(ImportPlan, RestorePhase, String)] = [
      (Self.plan { $0.database = nil }, .pending, Reason.databaseNotFound),
      (Self.plan { $0.database = PlanValues.database() }, .pending, Reason.connectionFailed),
      (Self.plan { $0.destination = nil }, .pending, Reason.destinationNotFound),
      (Self.plan { $0.destination = notReady }, .pending, Reason.destinationNotReady),
      (Self.plan(Self.ofBackup()), .pending, Reason.backupNotFound),
      (Self.plan(Self.ofBackup()) { $0.backup = Self.logical(.running) }, .pending, Reason.backupNotCompleted),
      (Self.plan(Self.request { $0.spec.target = nil }), .failed, Reason.invalidSpec),
      (Self.plan(Self.request { $0.spec.strategy = .inPlace }), .failed, Reason.invalidSpec),
      (
        Self.plan(Self.ofBackup { $0.spec.strategy = .inPlace }) { $0.backup = Self.logical() }, .failed,
        Reason.invalidSpec
      ),
      (
        Self.plan(Self.ofBackup { $0.spec.switchRequested = true }) { $0.backup = Self.logical() }, .failed,
        Reason.invalidSpec
      ),
    ]
    for (plan, phase, reason) in table {
      #expect(plan.status.phase == phase && plan.status.conditions.readyReason == reason)
      #expect(plan.actions.isEmpty && plan.status.attempts == nil)
    }
  }

  @Test("the names and the place of the dump follow from the spec")
  func places() {
    var seen = Self.seen(Self.request())
    #expect(seen.names == ImportNames(database: "postgres", uid: Self.uid))
    #expect(seen.location == DumpLocation(key: "dumps/d"))
    seen.request.spec.databaseName = "copy"
    seen.request.spec.source.path?.snapshot = "latest"
    #expect(seen.names?.temporary == "copy_import_6f1c0a3b")
    #expect(seen.location?.repositoryPrefix == "databases/demo/shop/repo/")
    seen.request.spec.source.path?.repository = "elsewhere"
    #expect(seen.location?.repositoryPrefix == "elsewhere")
    var backup = Self.seen(Self.ofBackup())
    backup.backup = Self.logical()
    #expect(
      backup.location
        == DumpLocation(
          key: nil, snapshot: PlanValues.product.snapshot, repositoryPrefix: "databases/demo/shop/repo/"))
  }

  @Test("progress tells the load from the preflight")
  func watches() {
    #expect(Self.plan(Self.at(.preflight), run: .running).status.phase == .preflight)
    let loading = Self.at(.preflight) {
      $0.status?.progress = StepProgress(bytesDone: 1, bytesTotal: 2, filesDone: 0, updatedAt: PlanValues.now)
    }
    let plan = Self.plan(loading, run: .running)
    #expect(plan.status.phase == .restoring && plan.status.progress == nil && plan.actions.isEmpty)
  }

  @Test("a loaded dump completes it, says where everything is, and clears the run away")
  func completes() {
    let plan = Self.plan(Self.at(.restoring), run: .ended(.done(.loadedDump(Self.loaded))))
    #expect(plan.status.phase == .completed && plan.status.loaded == Self.loaded && plan.actions == [.discardRun])
    #expect(plan.status.conditions?.isTrue(ConditionType.ready) == true)
    #expect(plan.events.first?.message.contains("postgres_before_6f1c0a3b") == true)
  }

  @Test("three attempts, then it fails, and what was loaded is dropped")
  func retries() {
    for run in [StepState.ended(.tryAgain(PlanValues.failure)), .lost(lastWords: "killed")] {
      let waiting = Self.plan(Self.at(.restoring), run: run)
      let moment = Timestamp(secondsSince1970: PlanValues.now.secondsSince1970 + 10)
      #expect(waiting.actions.isEmpty && waiting.status.retryAt == moment && waiting.status.attempts == 1)
      #expect(waiting.events.count == 1)
      let again = Self.plan(Self.at(.restoring) { $0.status?.retryAt = moment }, run: run, now: moment)
      #expect(again.actions == [.start] && again.status.attempts == 2 && again.status.phase == .preflight)
      #expect(again.status.retryAt == nil)
      let last = Self.plan(Self.at(.restoring, attempts: 3), run: run)
      #expect(last.status.phase == .failed && last.actions == [.dropTemporary, .discardRun])
    }
    let failed = Self.plan(Self.at(.restoring), run: .ended(.failed(PlanValues.failure)))
    #expect(failed.status.phase == .failed && failed.status.error == PlanValues.failure)
    #expect(failed.actions == [.dropTemporary, .discardRun] && failed.status.loaded == nil)
  }

  @Test("what a crash left after the end is cleared away; a server that stays away is not asked for ever")
  func settles() {
    let ended = StepState.ended(.failed(PlanValues.failure))
    #expect(Self.plan(Self.at(.failed), run: ended).actions == [.dropTemporary, .discardRun])
    #expect(Self.plan(Self.at(.failed)).actions.isEmpty)
    let late = Timestamp(secondsSince1970: PlanValues.now.secondsSince1970 + ImportPlan.patience)
    let given = Self.plan(Self.at(.failed), run: ended, now: late)
    #expect(given.actions == [.discardRun] && given.events.map(\.reason) == ["TemporaryDatabaseLeft"])
    #expect(given.events.first?.message.contains("_import_6f1c0a3b") == true)
    #expect(
      Self.plan(Self.at(.completed), run: .ended(.done(.loadedDump(Self.loaded)))).actions == [.discardRun])
  }

  @Test("deleted while at work, it stops and leaves nothing; deleted after, it leaves what was loaded")
  func deletion() {
    func deleted(_ request: RestoreRequest) -> RestoreRequest {
      var request = request
      request.metadata.beginDeletion()
      return request
    }
    #expect(
      Self.plan(deleted(Self.at(.restoring)), run: .running).actions
        == [.stopRun, .dropTemporary, .discardRun, .removeFinalizer])
    #expect(Self.plan(deleted(Self.at(.completed))).actions == [.stopRun, .discardRun, .removeFinalizer])
    #expect(Self.plan(deleted(Self.request())).actions == [.stopRun, .discardRun, .removeFinalizer])
    let late = Timestamp(secondsSince1970: PlanValues.now.secondsSince1970 + ImportPlan.patience)
    let given = Self.plan(deleted(Self.at(.restoring)), now: late)
    #expect(given.actions == [.stopRun, .discardRun, .removeFinalizer])
    #expect(given.events.map(\.reason) == ["TemporaryDatabaseLeft"])
    #expect(Self.plan(deleted(Self.request { $0.metadata.finalizers = [] })).actions.isEmpty)
  }

  @Test("a dump that was staged for it goes when it is loaded, and with it; no other object ever does")
  func staged() {
    let done = StepState.ended(.done(.loadedDump(Self.loaded)))
    func staged(_ key: String) -> RestoreRequest {
      Self.at(.restoring, key: key) { $0.metadata.annotations[TidemarkAnnotation.staged] = "true" }
    }
    let own = staged("imports/demo/shop/a1")
    #expect(Self.plan(own, run: done).actions == [.removeStaged, .discardRun])
    #expect(Self.plan(own, run: .ended(.failed(PlanValues.failure))).actions == [.dropTemporary, .discardRun])
    var deleted = own
    deleted.metadata.beginDeletion()
    #expect(
      Self.plan(deleted).actions == [.stopRun, .dropTemporary, .removeStaged, .discardRun, .removeFinalizer])
    for key in ["databases/demo/shop/repo/config", "imports/demo/other/a1", "imports/other/shop/a1"] {
      #expect(Self.plan(staged(key), run: done).actions == [.discardRun], "\(key)")
    }
    #expect(Self.plan(Self.at(.restoring, key: "imports/demo/shop/a1"), run: done).actions == [.discardRun])
  }

  @Test("a spec that changes at work is told of, and changes nothing")
  func changedSpec() {
    let changed = Self.at(.restoring) { $0.metadata.generation = 2 }
    let plan = Self.plan(changed, run: .running)
    #expect(plan.events.map(\.reason) == ["SpecChangeIgnored"] && plan.actions.isEmpty)
  }
}
