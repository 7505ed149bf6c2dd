import Controllers
import KubeModel
import KubeRuntime
import Steps
import Testing
import TidemarkAPI

@Suite("The plan of a RestoreRequest")
struct RestorePlanTests {
  private static func plan(
    _ restore: RestoreRequest = PlanValues.restore(), run: StepState = .absent, instance: InstanceState = .starting,
    _ change: (inout RestoreObservation) -> Void = { _ in }
  ) -> RestorePlan {
    var seen = RestoreObservation(
      restore: restore, database: PlanValues.database(), destination: PlanValues.destination(), run: run,
      instance: instance, now: PlanValues.now)
    change(&seen)
    return RestorePlan.make(seen)
  }

  private static func restore(_ phase: RestorePhase, attempts: Int = 1) -> RestoreRequest {
    PlanValues.restore {
      var status = RestoreRequestStatus()
      (status.phase, status.attempts, status.observedGeneration, status.database) = (phase, attempts, 1, "shop")
      $0.status = status
    }
  }

  private static let restored = StepState.ended(.done(.restoredDatabase(PlanValues.restored)))

  @Test("a restore starts with its preflight, and knows its Database from the first word on")
  func starts() {
    let plan = Self.plan()
    #expect(plan.first.isEmpty && plan.then == [.startRun] && plan.status.phase == .preflight)
    #expect(plan.status.database == "shop")
  }

  @Test("what is missing is waited for; what can't come fails, and says what to do")
  func obstacles() {
    func source(_ change: @escaping (inout RestoreRequest) -> Void) -> RestoreRequest { PlanValues.restore(change) }
    let ofBackup = source {
      $0.spec.source.pointInTime = nil
      $0.spec.source.backupName = "first"
    }
    func backup(_ phase: BackupPhase, _ snapshot: String? = nil) -> Backup {
      PlanValues.backup {
        var status = BackupStatus()
        (status.phase, status.snapshot) = (phase, snapshot)
        $0.status = status
      }
    }
    let table: [(RestorePlan, RestorePhase, String)] = [
      (Self.plan { $0.database = nil }, .pending, Reason.databaseNotFound),
      (Self.plan { $0.destination = nil }, .pending, Reason.destinationNotFound),
      (Self.plan { $0.database = PlanValues.database { $0.spec.pitr = nil } }, .failed, Reason.disabled),
      (Self.plan(source { $0.spec.source.backupName = "first" }), .failed, Reason.invalidSpec),
      (Self.plan(source { $0.spec.strategy = .inPlace }), .failed, Reason.unsupported),
      (Self.plan(ofBackup), .pending, Reason.backupNotFound),
      (Self.plan(ofBackup) { $0.backup = backup(.running) }, .pending, Reason.backupNotCompleted),
      (Self.plan(ofBackup) { $0.backup = backup(.failed) }, .failed, Reason.backupNotCompleted),
    ]
    for (plan, phase, reason) in table {
      #expect(plan.status.phase == phase && plan.status.conditions.readyReason == reason)
      #expect(!plan.then.contains(.startRun))
    }
    #expect(Self.plan(ofBackup) { $0.backup = backup(.completed, "ab") }.then == [.startRun])
  }

  // MARK: Into another Database

  /// A restore of `shop` for the clients of `staging`.
  private static func foreign(
    _ phase: RestorePhase? = nil, _ change: (inout RestoreRequest) -> Void = { _ in }
  ) -> RestoreRequest {
    PlanValues.restore {
      $0.spec.target = BackupTarget(database: "staging")
      if let phase {
        var status = RestoreRequestStatus()
        (status.phase, status.attempts, status.observedGeneration) = (phase, 1, 1)
        (status.database, status.sourceDatabase, status.begunWith) = ("staging", "shop", $0.spec.source)
        $0.status = status
      }
      change(&$0)
    }
  }

  private static func plan(
    foreign restore: RestoreRequest, run: StepState = .absent, instance: InstanceState = .starting,
    _ change: @escaping (inout RestoreObservation) -> Void = { _ in }
  ) -> RestorePlan {
    plan(restore, run: run, instance: instance) {
      $0.database = PlanValues.database { $0.metadata = PlanValues.metadata("staging") }
      $0.source = PlanValues.database()
      change(&$0)
    }
  }

  @Test("a restore into another Database is that one's, and leaves an incarnation of the source's archive")
  func intoAnother() {
    let begun = Self.plan(foreign: Self.foreign())
    #expect(begun.then == [.startRun] && begun.status.database == "staging" && begun.status.sourceDatabase == "shop")
    let restored = Self.plan(
      foreign: Self.foreign(.recovering), run: Self.restored, instance: .running(PlanValues.instance))
    #expect(restored.status.phase == .readyToSwitch)
    #expect(restored.status.instance?.origin?.contains(#""database":"demo/shop""#) == true)
  }

  @Test("a restore into another Database needs both, the source's archive, and a target that is a Database")
  func intoAnotherNeeds() {
    func noPITR(_ seen: inout RestoreObservation) { seen.source?.spec.pitr = nil }
    func noTarget(_ request: inout RestoreRequest) { request.spec.target?.database = nil }
    func bucket(_ request: inout RestoreRequest) {
      noTarget(&request)
      request.spec.target?.bucket = "photos"
    }
    let table: [(RestorePlan, RestorePhase, String)] = [
      (Self.plan(foreign: Self.foreign()) { $0.database = nil }, .pending, Reason.databaseNotFound),
      (Self.plan(foreign: Self.foreign()) { $0.source = nil }, .pending, Reason.databaseNotFound),
      (Self.plan(foreign: Self.foreign(), noPITR), .failed, Reason.disabled),
      (Self.plan(foreign: Self.foreign(nil, bucket)), .failed, Reason.unsupported),
      (Self.plan(foreign: Self.foreign { $0.spec.strategy = .inPlace }), .failed, Reason.unsupported),
    ]
    for (plan, phase, reason) in table {
      #expect(plan.status.phase == phase && plan.status.conditions.readyReason == reason)
      #expect(!plan.then.contains(.startRun))
    }
  }

  @Test("a Backup is restored into another Database also when its own Database is gone")
  func ofDeletedDatabase() {
    let ofBackup = Self.foreign {
      $0.spec.source.pointInTime = nil
      $0.spec.source.backupName = "first"
    }
    let backup = PlanValues.backup {
      var status = BackupStatus()
      (status.phase, status.snapshot) = (.completed, PlanValues.product.snapshot)
      $0.status = status
    }
    let plan = Self.plan(foreign: ofBackup) { ($0.backup, $0.source) = (backup, nil) }
    #expect(plan.then == [.startRun] && plan.status.sourceDatabase == "shop")
  }

  @Test("a restored server without the target's role waits for it, and is not switched to")
  func unfit() {
    let plan = Self.plan(
      foreign: Self.foreign(.recovering), run: Self.restored, instance: .running(PlanValues.instance)
    ) { $0.lack = "the role 'staging'" }
    #expect(plan.first.isEmpty && plan.then.isEmpty && plan.status.phase == .recovering)
    let stalled = plan.status.conditions?[type: ConditionType.stalled]
    #expect(stalled?.reason == Reason.targetUnfit && stalled?.message.contains("the role 'staging'") == true)
  }

  @Test("a source that is deleted before another attempt fails the restore")
  func sourceDeleted() {
    let waiting = Self.foreign(.preflight) {
      $0.status?.error = PlanValues.failure
      $0.status?.retryAt = PlanValues.now
    }
    let plan = Self.plan(foreign: waiting, run: .ended(.tryAgain(PlanValues.failure))) { $0.source = nil }
    #expect(plan.status.phase == .failed && plan.status.error?.code == Reason.databaseNotFound)
    // What is under way needs it no more.
    #expect(Self.plan(foreign: Self.foreign(.restoring), run: .running) { $0.source = nil }.status.phase != .failed)
  }

  @Test("what a restore has begun with stays, whatever becomes of its spec")
  func pinned() {
    #expect(Self.plan().status.strategy == .sideBySide)
    var begun = Self.restore(.restoring)
    begun.status?.begunWith = begun.spec.source
    begun.spec.source.pointInTime?.database = "another"
    begun.spec.target = BackupTarget(database: "third")
    #expect(begun.source.pointInTime?.database == "shop")
    #expect(Self.plan(begun, run: .running).status.database == "shop")
    var edited = SwitchValues.restore(wants: false)
    edited.status?.strategy = .sideBySide
    edited.spec.strategy = .inPlace
    #expect(SwitchRoute(.toRestored, of: edited, SwitchValues.database())?.isInPlace == false)
  }

  @Test("in place is possible where Tidemark hosts the live server")
  func inPlace() {
    let restore = PlanValues.restore { $0.spec.strategy = .inPlace }
    let plan = Self.plan(restore) {
      $0.database = PlanValues.database { $0.liveInstance = SwitchValues.restored }
    }
    #expect(plan.then == [.startRun])
  }

  @Test("the recovered instance is ready to be switched to only after its recovery has ended")
  func becomesReady() {
    let start = Self.plan(Self.restore(.restoring), run: Self.restored, instance: .stopped)
    #expect(start.then == [.startInstance(serverMajor: 15)] && start.status.phase == .recovering)
    let plan = Self.plan(Self.restore(.recovering), run: Self.restored, instance: .running(PlanValues.instance))
    #expect(plan.first == [.adopt(PlanValues.restored, PlanValues.instance)] && plan.then == [.discardRun])
    #expect(plan.status.phase == .readyToSwitch && plan.status.recoveredTo?.lsn == "0/3000000")
    let instance = plan.status.instance
    #expect(instance?.name == "restore-uid-of-undo" && instance?.incarnation == "restore-uid-of-undo")
    #expect(instance?.endpoint == PlanValues.instance.endpoint)
    #expect(instance?.origin?.contains(#""forkLSN":"0/3000000""#) == true)
    #expect(instance?.origin?.contains("database") == false)
  }

  @Test("a failed restore clears away what it had begun, and nothing else")
  func fails() {
    let plan = Self.plan(Self.restore(.restoring), run: .ended(.failed(PlanValues.failure)))
    #expect(plan.status.phase == .failed && plan.then == [.discardRun, .removeInstance])
    #expect(plan.status.error == PlanValues.failure)
    #expect(Self.plan(Self.restore(.restoring), run: .running) { $0.database = nil }.status.phase == .failed)
  }

  @Test("deleted before its switch, the restored instance goes; deleted after, both stay")
  func deletes() {
    func deleted(_ restore: RestoreRequest) -> RestoreRequest {
      var restore = restore
      restore.metadata.beginDeletion()
      return restore
    }
    let removed: [RestoreAction] = [.stopRun, .discardRun, .removeInstance, .removeFinalizer]
    #expect(Self.plan(deleted(Self.restore(.restoring)), run: .running).then == removed)
    #expect(Self.plan(deleted(SwitchValues.restore(wants: false))).then == removed)
    let kept: [RestoreAction] = [.stopRun, .discardRun, .removeFinalizer]
    let completed = SwitchValues.restore(.completed) { $0.status?.completedAt = PlanValues.now }
    #expect(Self.plan(deleted(completed)).then == kept)
    let back = SwitchValues.restore(wants: false) { $0.status?.completedAt = PlanValues.now }
    #expect(Self.plan(deleted(back)).then == kept)
    // Also where the status does not know of the switch that moved them.
    let live = Self.plan(deleted(SwitchValues.restore(wants: false))) {
      $0.database = SwitchValues.database(on: SwitchValues.restored)
    }
    #expect(live.then == kept)
  }

  @Test("deleted in the middle of a switch, that is undone first")
  func deletedWhileSwitching() {
    var restore = SwitchValues.switching(.closing)
    restore.metadata.beginDeletion()
    let database = SwitchValues.database { SwitchValues.mark(&$0) }
    let plan = Self.plan(restore) {
      $0.switchOver = SwitchObservation(
        restore: restore, database: database, old: .seen(SwitchValues.quiet), now: PlanValues.now)
    }
    #expect(plan.status.switching?.stage == .undoing && !plan.then.contains(.removeFinalizer))
  }
}
