import Controllers
import KubeModel
import KubeRuntime
import Steps
import Testing
import TidemarkAPI

@Suite("The plan of a Backup")
struct BackupPlanTests {
  private static func plan(
    _ backup: Backup = PlanValues.backup(), run: StepState = .absent, rivals: [Backup] = [],
    forgetting: StepState = .absent, now: Timestamp = PlanValues.now,
    _ change: (inout BackupObservation) -> Void = { _ in }
  ) -> BackupPlan {
    var seen = BackupObservation(
      backup: backup, database: PlanValues.database(), destination: PlanValues.destination(), rivals: rivals, run: run,
      forgetting: forgetting, now: now)
    change(&seen)
    return BackupPlan.make(seen)
  }

  private static func running(attempts: Int = 1, generation: Int64 = 1) -> Backup {
    PlanValues.backup {
      $0.metadata.generation = generation
      var status = BackupStatus()
      (status.phase, status.attempts, status.observedGeneration) = (.running, attempts, 1)
      $0.status = status
    }
  }

  private static func completed(_ change: (inout Backup) -> Void = { _ in }) -> Backup {
    PlanValues.backup {
      var status = BackupStatus()
      (status.phase, status.snapshot) = (.completed, PlanValues.product.snapshot)
      status.completedAt = PlanValues.now
      $0.status = status
      change(&$0)
    }
  }

  @Test("the finalizer is there before the step is started")
  func finalizerFirst() {
    let plan = Self.plan(PlanValues.backup { $0.metadata.finalizers = [] })
    #expect(plan.actions == [.addFinalizer])
  }

  @Test("a Backup starts its step, and says so")
  func starts() {
    let plan = Self.plan()
    #expect(plan.actions == [.start])
    #expect(plan.status.phase == .running && plan.status.attempts == 1)
    #expect(plan.events.map(\.reason) == ["Started"])
  }

  @Test("what is missing is waited for, and named")
  func waits() {
    let notReady = PlanValues.destination {
      $0.status?.conditions = [PlanValues.condition(ConditionType.ready, .false, "BucketNotFound", "no such bucket")]
    }
    let table: [((inout BackupObservation) -> Void, String, String)] = [
      ({ $0.database = nil }, Reason.databaseNotFound, "shop"),
      ({ $0.destination = nil }, Reason.destinationNotFound, "s3"),
      ({ $0.destination = notReady }, Reason.destinationNotReady, "no such bucket"),
      ({ $0.destination?.metadata.beginDeletion() }, Reason.destinationNotReady, "being deleted"),
    ]
    for (change, reason, words) in table {
      let plan = Self.plan(PlanValues.backup(), change)
      #expect(plan.actions.isEmpty && plan.status.phase == .pending)
      #expect(plan.status.conditions.readyReason == reason)
      #expect(plan.status.conditions?[type: ConditionType.ready]?.message.contains(words) == true)
      #expect(plan.next == .requeue(after: BackupPlan.pollInterval))
      #expect(plan.events.map(\.reason) == [reason] && plan.events[0].message.contains(words))
      #expect(Self.plan(PlanValues.backup { $0.status = plan.status }, change).events.isEmpty, "it is told once")
    }
  }

  @Test("a bad spec fails for good, with an event that says what to do")
  func badSpec() {
    let bad = PlanValues.backup { $0.spec.method = .files }
    let plan = Self.plan(bad)
    #expect(plan.status.phase == .failed && plan.status.conditions.readyReason == Reason.invalidSpec)
    #expect(plan.status.conditions?.isTrue(ConditionType.stalled) == true)
    #expect(plan.events.map(\.type) == [.warning])
  }

  @Test("of two Backups of one Database the older goes first")
  func olderFirst() {
    let older = PlanValues.backup("older") {
      $0.metadata.creationTimestamp = Timestamp(secondsSince1970: PlanValues.now.secondsSince1970 - 1)
    }
    let younger = PlanValues.backup("younger")
    let waiting = Self.plan(younger, rivals: [older])
    #expect(waiting.status.phase == .pending && waiting.status.conditions.readyReason == Reason.waiting)
    #expect(waiting.events.map(\.reason) == [Reason.waiting] && waiting.events[0].message.contains("older"))
    #expect(Self.plan(older, rivals: [younger]).actions == [.start])
  }

  @Test("of two Backups of the same second exactly one goes first")
  func sameSecond() {
    let (one, two) = (PlanValues.backup("one"), PlanValues.backup("two"))
    let starts = [Self.plan(one, rivals: [two]), Self.plan(two, rivals: [one])].filter { $0.actions == [.start] }
    #expect(starts.count == 1)
  }

  @Test("a Backup that runs goes before an older one that waits")
  func runningFirst() {
    var younger = Self.running()
    younger.metadata.creationTimestamp = Timestamp(secondsSince1970: PlanValues.now.secondsSince1970 + 9)
    #expect(Self.plan(PlanValues.backup("older"), rivals: [younger]).status.conditions.readyReason == Reason.waiting)
  }

  @Test("an older Backup that lacks its destination holds nobody up")
  func stuckRival() {
    let stuck = PlanValues.backup("a-older") {
      $0.metadata.creationTimestamp = Timestamp(secondsSince1970: 1)
      var status = BackupStatus()
      status.phase = .pending
      status.conditions = [PlanValues.condition(ConditionType.ready, .false, Reason.destinationNotFound)]
      $0.status = status
    }
    #expect(Self.plan(rivals: [stuck]).actions == [.start])
  }

  @Test("what keeps a step from beginning is told once, and the attempt goes on")
  func hindered() {
    let hindrance = StepState.waiting(FailureStatus(code: "ImagePullBackOff", message: "no such image"))
    var backup = Self.running()
    let plan = Self.plan(backup, run: hindrance)
    #expect(plan.actions.isEmpty && plan.status.phase == .running && plan.status.attempts == 1)
    #expect(plan.status.conditions.readyReason == "ImagePullBackOff")
    #expect(plan.events.map(\.reason) == ["ImagePullBackOff"])
    backup.status = plan.status
    #expect(Self.plan(backup, run: hindrance).events.isEmpty)
    #expect(Self.plan(backup, run: .running).status.conditions.readyReason == Reason.running)
    backup.metadata.deletionTimestamp = PlanValues.now
    #expect(Self.plan(backup, run: hindrance).actions == [.stopRun], "it may begin at any moment")
  }

  @Test("a lost step and a failure for now are tried again after a pause, at most three times in all")
  func boundedRetries() {
    for ended in [StepState.lost(lastWords: "killed"), .ended(.tryAgain(PlanValues.failure))] {
      for attempts in 1..<Attempts.bound {
        var backup = Self.running(attempts: attempts)
        let waits = Self.plan(backup, run: ended)
        #expect(waits.actions.isEmpty && waits.status.attempts == attempts)
        #expect(waits.status.conditions.readyReason == Reason.retrying && waits.events.map(\.type) == [.warning])
        #expect(waits.next == .requeue(after: Attempts.pause(after: attempts)))
        backup.status = waits.status
        #expect(Self.plan(backup, run: ended).events.isEmpty, "it is told once")
        let due = Timestamp(
          secondsSince1970: PlanValues.now.secondsSince1970 + Attempts.pause(after: attempts).components.seconds)
        let again = Self.plan(backup, run: ended, now: due)
        #expect(again.actions == [.start] && again.status.attempts == attempts + 1 && again.status.retryAt == nil)
      }
      let last = Self.plan(Self.running(attempts: Attempts.bound), run: ended)
      #expect(last.status.phase == .failed && !last.actions.contains(.start))
      #expect(last.status.conditions?.isTrue(ConditionType.stalled) == true)
    }
  }

  @Test("a failure for good is not tried again")
  func failsForGood() {
    let plan = Self.plan(Self.running(), run: .ended(.failed(PlanValues.failure)))
    #expect(plan.status.phase == .failed && plan.status.error == PlanValues.failure)
    #expect(plan.actions == [.discardRun])
    #expect(plan.status.conditions.readyReason == PlanValues.failure.code)
  }

  @Test("a spec edited while running is ignored, and the event says what to do, once")
  func editedWhileRunning() {
    var backup = Self.running(generation: 2)
    let first = Self.plan(backup, run: .running)
    #expect(first.actions.isEmpty && first.status.conditions.readyReason == "SpecChangeIgnored")
    #expect(first.events.map(\.reason) == ["SpecChangeIgnored"])
    #expect(first.events.first?.message.contains("create another Backup") == true)
    backup.status = first.status
    #expect(Self.plan(backup, run: .running).events.isEmpty)
  }

  @Test("what a Backup began with is kept by its retries and by its deletion, whatever its spec says by then")
  func keepsWhatItBeganWith() {
    var backup = PlanValues.backup { $0.spec.method = nil }
    backup.status = Self.plan(backup).status
    #expect(backup.status?.begunWith == BackupSubject(backup.spec))
    let begun = backup.subject
    backup.spec.target = BackupTarget(database: "another")
    backup.spec.destinationName = "elsewhere"
    backup.spec.method = .logical
    backup.metadata.generation = 2
    #expect(backup.subject == begun && begun.method == .physical)
    for run in [StepState.running, .lost(lastWords: ""), .ended(.tryAgain(PlanValues.failure))] {
      backup.status = Self.plan(backup, run: run).status
      #expect(backup.subject == begun && backup.status?.phase == .running)
    }
    backup.status = Self.plan(backup, run: .ended(.done(.baseBackup(PlanValues.product)))).status
    #expect(backup.subject == begun && backup.status?.phase == .completed)
    backup.metadata.beginDeletion()
    #expect(Self.plan(backup).actions == [.forget] && backup.subject == begun)
  }

  @Test("a Backup that has not begun follows its spec")
  func followsItsSpec() {
    var backup = PlanValues.backup()
    backup.status = Self.plan(backup) { $0.destination = nil }.status
    backup.spec.destinationName = "elsewhere"
    #expect(backup.status?.phase == .pending && backup.subject.destinationName == "elsewhere")
  }

  @Test("a Backup that was found is shown as Completed, and nothing is ever run for it")
  func shownAsFound() throws {
    var backup = try Self.found()
    backup.metadata.finalizers = []
    #expect(Self.plan(backup).actions == [.addFinalizer])
    backup.metadata.finalizers = [TidemarkGroup.finalizer]
    let shown = Self.plan(backup)
    #expect(shown.actions.isEmpty && shown.status.phase == .completed)
    #expect(shown.status.snapshot == PlanValues.product.snapshot && shown.status.size == PlanValues.product.size)
    #expect(shown.status.postgres == PlanValues.product.postgres)
    #expect(shown.status.completedAt == PlanValues.discovered.completedAt)
    #expect(shown.status.conditions?.isTrue(ConditionType.ready) == true)
    backup.status = shown.status
    #expect(Self.plan(backup).status == shown.status && Self.plan(backup).actions.isEmpty)
    // A status that was lost is found again, even where the destination is gone.
    backup.status = nil
    let again = Self.plan(backup) { ($0.destination, $0.database) = (nil, nil) }
    #expect(again.actions.isEmpty && again.status == shown.status)
  }

  @Test("deleting a Backup that was found leaves its snapshot, unless deletionPolicy says Delete")
  func deletesFound() throws {
    var backup = try Self.found()
    backup.metadata.beginDeletion()
    #expect(Self.plan(backup).actions == [.discardRun, .removeFinalizer])
    backup.spec.deletionPolicy = .delete
    let plan = Self.plan(backup)
    #expect(plan.actions == [.forget] && plan.status.snapshot == PlanValues.product.snapshot)
  }

  @Test("a Backup that says it was found and not what is Stalled, and never run")
  func foundWithoutFacts() throws {
    for text in [nil, "{}"] {
      var backup = try Self.found()
      backup.metadata.annotations[TidemarkAnnotation.discovered] = text
      let plan = Self.plan(backup)
      #expect(plan.actions.isEmpty && plan.status.conditions.readyReason == Reason.invalidSpec)
    }
  }

  private static func found() throws -> Backup {
    var backup = try Backup.discovered(
      PlanValues.discovered, named: "shop-abababab", of: BackupTarget(database: "shop"), namespace: "demo",
      in: "s3")
    backup.metadata.finalizers = [TidemarkGroup.finalizer]
    backup.metadata.uid = "uid-of-found"
    return backup
  }

  @Test("a step that is found at work after a crash of the controller is not started again")
  func foundAtWork() {
    let plan = Self.plan(run: .running)
    #expect(plan.actions.isEmpty && plan.status.phase == .running && plan.status.attempts == 1)
  }

  @Test("a Backup is Completed with what the step produced, and the run is cleared away after that is written")
  func completes() {
    let plan = Self.plan(Self.running(), run: .ended(.done(.baseBackup(PlanValues.product))))
    #expect(plan.status.phase == .completed && plan.status.snapshot == PlanValues.product.snapshot)
    #expect(plan.status.size == PlanValues.product.size && plan.status.postgres == PlanValues.product.postgres)
    #expect(plan.status.conditions?.isTrue(ConditionType.ready) == true)
    #expect(plan.actions == [.discardRun])
  }

  @Test("a Completed Backup stays as it is, whatever became of its Database and destination")
  func staysCompleted() {
    let plan = Self.plan(Self.completed()) { ($0.database, $0.destination) = (nil, nil) }
    #expect(plan.actions.isEmpty && plan.events.isEmpty && plan.status == Self.completed().status)
  }

  @Test("the progress that the step writes is not the controller's to write")
  func progressIsTheSteps() {
    var backup = Self.running()
    backup.status?.progress = StepProgress(bytesDone: 1, bytesTotal: 2, filesDone: 1, updatedAt: PlanValues.now)
    #expect(Self.plan(backup, run: .running).status.progress == nil)
  }

  @Test("a Backup deletes itself when expiresAfter has passed since its end, not before")
  func expires() {
    let backup = Self.completed { $0.spec.expiresAfter = GoDuration(seconds: 3600) }
    let early = Self.plan(backup, now: Timestamp(secondsSince1970: PlanValues.now.secondsSince1970 + 600))
    #expect(early.actions.isEmpty && early.next == .requeue(after: .seconds(3000)))
    let due = Self.plan(backup, now: Timestamp(secondsSince1970: PlanValues.now.secondsSince1970 + 3600))
    #expect(due.actions == [.expire] && due.events.map(\.reason) == ["Expired"])
  }

  @Test("deletionPolicy Delete forgets the snapshot before the Backup goes")
  func deletesSnapshot() {
    var backup = Self.completed()
    backup.metadata.beginDeletion()
    #expect(Self.plan(backup).actions == [.forget])
    #expect(Self.plan(backup, forgetting: .running).actions.isEmpty)
    let gone = Self.plan(backup, forgetting: .ended(.done(.nothing)))
    #expect(gone.actions == [.discardForgetting, .discardRun, .removeFinalizer])
    #expect(gone.events.map(\.reason) == ["Forgotten"])
  }

  @Test("in a namespace that is being deleted a Backup goes without forgetting, which no step could do any more")
  func leavesSnapshotOfEndingNamespace() {
    var backup = Self.completed()
    backup.metadata.beginDeletion()
    for forgetting: StepState in [.absent, .lost(lastWords: ""), .ended(.failed(PlanValues.failure))] {
      let plan = Self.plan(backup, forgetting: forgetting) { $0.namespaceEnds = true }
      #expect(plan.actions == [.discardForgetting, .discardRun, .removeFinalizer])
      #expect(plan.events.map(\.reason) == [Reason.namespaceEnds])
    }
    #expect(Self.plan(backup, forgetting: .running) { $0.namespaceEnds = true }.actions.isEmpty)
    let gone = Self.plan(backup, forgetting: .ended(.done(.nothing))) { $0.namespaceEnds = true }
    #expect(gone.events.map(\.reason) == ["Forgotten"])
  }

  @Test("a snapshot that can't be forgotten holds the Backup, and the condition says the way out")
  func stuckForgetting() {
    var backup = Self.completed()
    backup.metadata.beginDeletion()
    let plan = Self.plan(backup, forgetting: .ended(.failed(PlanValues.failure)))
    #expect(!plan.actions.contains(.removeFinalizer))
    #expect(plan.status.conditions?[type: ConditionType.stalled]?.message.contains("Retain") == true)
  }

  @Test("snapshots of one Database are forgotten one after the other, and one that is stuck holds nobody up")
  func forgetsInTurn() {
    var backup = Self.completed()
    backup.metadata.beginDeletion()
    let first = PlanValues.backup("other")
    let waiting = Self.plan(backup) { $0.forgottenBefore = first }
    #expect(waiting.actions.isEmpty && waiting.status.conditions.readyReason == Reason.waiting)
    #expect(waiting.next == .requeue(after: BackupPlan.pollInterval))
    // What has begun goes on.
    #expect(Self.plan(backup, forgetting: .ended(.done(.nothing))) { $0.forgottenBefore = first }.events.count == 1)
  }

  @Test("deletionPolicy Retain leaves the snapshot")
  func retains() {
    var backup = Self.completed { $0.spec.deletionPolicy = .retain }
    backup.metadata.beginDeletion()
    let plan = Self.plan(backup)
    #expect(plan.actions == [.discardRun, .removeFinalizer] && plan.events.map(\.reason) == ["Retained"])
  }

  @Test("a Backup whose destination is gone can still be deleted, and says what was left")
  func deletesWithoutDestination() {
    var backup = Self.completed()
    backup.metadata.beginDeletion()
    let plan = Self.plan(backup) { $0.destination = nil }
    #expect(plan.actions.last == .removeFinalizer && plan.events.map(\.reason) == [Reason.destinationNotFound])
  }

  @Test("a Backup that is deleted while it runs stops its step first, and forgets what that had stored")
  func deletedWhileRunning() {
    var backup = Self.running()
    backup.metadata.beginDeletion()
    #expect(Self.plan(backup, run: .running).actions == [.stopRun])
    let ended = Self.plan(backup, run: .ended(.done(.baseBackup(PlanValues.product))))
    #expect(ended.actions == [.forget] && ended.status.snapshot == PlanValues.product.snapshot)
  }

  @Test("deleted between its step's snapshot and its result, a Backup has what carries its uid forgotten")
  func deletedBeforeItsResult() {
    for run in [StepState.lost(lastWords: ""), .ended(.tryAgain(PlanValues.failure))] {
      var backup = Self.running()
      backup.metadata.beginDeletion()
      let plan = Self.plan(backup, run: run)
      #expect(plan.actions == [.forget] && plan.status.snapshot == nil && plan.status.phase == .deleting)
      let done = Self.plan(backup, run: run, forgetting: .ended(.done(.nothing)))
      #expect(done.actions == [.discardForgetting, .discardRun, .removeFinalizer] && done.events.isEmpty)
      backup.spec.deletionPolicy = .retain
      #expect(Self.plan(backup, run: run).actions == [.discardRun, .removeFinalizer])
    }
    var failed = Self.running()
    failed.metadata.beginDeletion()
    #expect(Self.plan(failed, run: .ended(.failed(PlanValues.failure))).actions == [.discardRun, .removeFinalizer])
    failed.status?.phase = .failed
    failed.status?.error = FailureStatus(code: Reason.stepLost, message: "killed")
    #expect(Self.plan(failed).actions == [.forget])
  }

  @Test("what a step waits for is told, and is no reason to do anything")
  func waitsForPrune() {
    var backup = Self.running()
    backup.status?.progress = StepProgress(bytesDone: 0, bytesTotal: nil, filesDone: 0, updatedAt: PlanValues.now)
    backup.status?.progress?.waitingFor = "a prune"
    let plan = Self.plan(backup, run: .running)
    let ready = plan.status.conditions?[type: ConditionType.ready]
    #expect(ready?.reason == Reason.waiting && ready?.message == "attempt 1 of 3 waits for a prune")
    #expect(plan.actions.isEmpty && plan.events.isEmpty && plan.status.phase == .running)
  }

  @Test("a logical Backup completes with its dump, and without the facts of a base backup")
  func logical() {
    let dump = DumpProduct(snapshot: PlanValues.product.snapshot, size: PlanValues.product.size)
    var backup = Self.running()
    backup.spec.method = .logical
    #expect(Self.plan(PlanValues.backup { $0.spec.method = .logical }).actions == [.start])
    let plan = Self.plan(backup, run: .ended(.done(.dump(dump))))
    #expect(plan.status.phase == .completed && plan.status.snapshot == dump.snapshot && plan.status.size == dump.size)
    #expect(plan.status.postgres == nil && plan.actions == [.discardRun])
    #expect(plan.events.last?.message.hasPrefix("dump of 300 bytes") == true)
  }
}
