import Controllers
import KubeModel
import KubeRuntime
import Steps
import Testing
import TidemarkAPI

@Suite("The plan of a PITRClone")
struct ClonePlanTests {
  private static func plan(
    _ clone: PITRClone = PlanValues.clone(), run: StepState = .absent, instance: InstanceState = .stopped,
    _ change: (inout CloneObservation) -> Void = { _ in }
  ) -> ClonePlan {
    var seen = CloneObservation(
      clone: clone, source: PlanValues.database(), destination: PlanValues.destination(), namesake: nil, run: run,
      instance: instance, now: PlanValues.now)
    change(&seen)
    return ClonePlan.make(seen)
  }

  private static func clone(
    _ phase: PITRClonePhase, attempts: Int = 1, generation: Int64 = 1
  ) -> PITRClone {
    PlanValues.clone {
      $0.metadata.generation = generation
      var status = PITRCloneStatus()
      (status.phase, status.attempts, status.observedGeneration) = (phase, attempts, 1)
      $0.status = status
    }
  }

  private static let restored = StepState.ended(.done(.restoredDatabase(PlanValues.restored)))

  @Test("a clone starts with its preflight")
  func starts() {
    let plan = Self.plan()
    #expect(plan.first.isEmpty && plan.then == [.startRun] && plan.status.phase == .preflight)
    #expect(plan.events.map(\.reason) == ["Started"])
  }

  @Test("a name that is taken fails the clone, and nothing of the other Database is touched")
  func nameTaken() {
    let plan = Self.plan { $0.namesake = PlanValues.database { $0.metadata.name = "rescued" } }
    #expect(plan.status.phase == .failed && plan.status.conditions.readyReason == Reason.nameTaken)
    #expect(plan.first.isEmpty && !plan.then.contains(.startRun))
    #expect(plan.status.error?.message.contains("choose another") == true)
  }

  @Test("the Database that this clone itself made before a crash is no other's")
  func ownNamesake() {
    let plan = Self.plan { $0.namesake = PlanValues.database { $0.metadata.labels[TidemarkLabel.clone] = "rescue" } }
    #expect(plan.then == [.startRun])
  }

  @Test("a source without pitr and a bad moment fail the clone; a missing source or destination is waited for")
  func obstacles() {
    let withoutArchive = Self.plan { $0.source = PlanValues.database { $0.spec.pitr = nil } }
    #expect(withoutArchive.status.phase == .failed && withoutArchive.status.conditions.readyReason == Reason.disabled)
    let bad = Self.plan(PlanValues.clone { $0.spec.pointInTime.lsn = "nowhere" })
    #expect(bad.status.phase == .failed && bad.status.conditions.readyReason == Reason.invalidSpec)
    let orphan = Self.plan { $0.source = nil }
    #expect(orphan.status.phase == .pending && orphan.status.conditions.readyReason == Reason.databaseNotFound)
    let homeless = Self.plan { $0.destination = nil }
    #expect(homeless.status.conditions.readyReason == Reason.destinationNotFound && homeless.then.isEmpty)
    #expect(homeless.events.map(\.reason) == [Reason.destinationNotFound])
  }

  @Test("when the data directory is restored, the instance is started and its recovery watched")
  func recovers() {
    let start = Self.plan(Self.clone(.restoring), run: Self.restored, instance: .stopped)
    #expect(start.then == [.startInstance(serverMajor: 15)] && start.status.phase == .recovering)
    let replay = Self.plan(
      Self.clone(.recovering), run: Self.restored, instance: .recovering(replayed: "0/5000000"))
    #expect(replay.then.isEmpty)
    #expect(replay.status.conditions?[type: ConditionType.ready]?.message.contains("0/5000000") == true)
  }

  @Test("a clone is Completed only after its Database is made")
  func completes() {
    let plan = Self.plan(Self.clone(.recovering), run: Self.restored, instance: .running(PlanValues.instance))
    #expect(plan.first == [.adopt(PlanValues.restored, PlanValues.instance)])
    #expect(plan.status.phase == .completed && plan.status.clone == "rescued")
    #expect(plan.status.endpoint == PlanValues.instance.endpoint)
    #expect(plan.then == [.discardRun])
  }

  @Test("a clone that fails when its Database is there already leaves the instance to that")
  func failsAfterAdoption() throws {
    let uid = try #require(Self.clone(.recovering).metadata.uid)
    let plan = Self.plan(Self.clone(.recovering), run: Self.restored) {
      $0.source = nil
      $0.namesake = PlanValues.database { $0.metadata.annotations[TidemarkAnnotation.instance] = "clone-\(uid)" }
    }
    #expect(plan.status.phase == .failed && plan.then == [.discardRun])
  }

  @Test("a failed clone clears away what it had begun, also when a crash came in between")
  func cleansUp() {
    let failed = Self.plan(Self.clone(.restoring), run: .ended(.failed(PlanValues.failure)))
    #expect(failed.status.phase == .failed && failed.then == [.discardRun, .removeInstance])
    let recovery = Self.plan(Self.clone(.recovering), run: Self.restored, instance: .failed(message: "FATAL"))
    #expect(recovery.status.error?.code == "RecoveryFailed" && recovery.then.contains(.removeInstance))
    #expect(recovery.status.error?.message.contains("FATAL") == true)
    let afterCrash = Self.plan(Self.clone(.failed), run: Self.restored, instance: .stopped)
    #expect(afterCrash.then == [.discardRun, .removeInstance])
    #expect(Self.plan(Self.clone(.failed), instance: .absent).then.isEmpty)
  }

  @Test("a lost step is tried again after a pause, at most three times in all")
  func boundedRetries() {
    for attempts in 1..<Attempts.bound {
      var clone = Self.clone(.restoring, attempts: attempts)
      let waits = Self.plan(clone, run: .lost(lastWords: ""))
      #expect(waits.then.isEmpty && waits.status.conditions.readyReason == Reason.retrying)
      clone.status = waits.status
      let due = Self.plan(clone, run: .lost(lastWords: "")) {
        $0.now = Timestamp(
          secondsSince1970: $0.now.secondsSince1970 + Attempts.pause(after: attempts).components.seconds)
      }
      #expect(due.then == [.startRun] && due.status.attempts == attempts + 1 && due.status.retryAt == nil)
    }
    let last = Self.plan(Self.clone(.restoring, attempts: Attempts.bound), run: .lost(lastWords: ""))
    #expect(last.status.phase == .failed && last.then == [.discardRun, .removeInstance])
  }

  @Test("an instance that vanished is restored anew after the pause, and not started before")
  func instanceLost() {
    var clone = Self.clone(.recovering)
    let waits = Self.plan(clone, run: Self.restored, instance: .absent)
    #expect(waits.then.isEmpty && waits.status.error?.code == "InstanceLost")
    clone.status = waits.status
    #expect(Self.plan(clone, run: Self.restored, instance: .stopped).then.isEmpty)
  }

  @Test("a spec edited while it runs is ignored, and the event says what to do")
  func editedWhileRunning() {
    let plan = Self.plan(Self.clone(.restoring, generation: 2), run: .running)
    #expect(plan.status.conditions.readyReason == "SpecChangeIgnored" && plan.then.isEmpty)
    #expect(plan.events.contains { $0.reason == "SpecChangeIgnored" && $0.message.contains("another PITRClone") })
  }

  @Test("deleting a clone at work removes what it began; deleting a Completed one leaves the new Database alone")
  func deletes() {
    var atWork = Self.clone(.restoring)
    atWork.metadata.beginDeletion()
    #expect(Self.plan(atWork, run: .running).then == [.stopRun, .discardRun, .removeInstance, .removeFinalizer])
    var completed = Self.clone(.completed)
    completed.metadata.beginDeletion()
    #expect(Self.plan(completed).then == [.stopRun, .discardRun, .removeFinalizer])
  }
}
