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
      (Self.plan(source { $0.spec.target = BackupTarget(database: "store") }), .failed, Reason.unsupported),
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

  @Test("what a restore has begun with stays, whatever becomes of its spec")
  func pinned() {
    #expect(Self.plan().status.strategy == .sideBySide)
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
