import Controllers
import KubeModel
import KubeRuntime
import Steps
import Testing
import TidemarkAPI

@Suite("The plan of a Database")
struct DatabasePlanTests {
  private static let found = DatabaseObservation.Server.found(.init(version: "15.18", systemIdentifier: "7"))

  private static func plan(
    _ database: Database = PlanValues.database(), server: DatabaseObservation.Server = found,
    receiver: DatabaseObservation.Receiver = .current, backups: [Backup] = [], instance: InstanceState? = nil,
    destination: BackupDestination? = PlanValues.destination()
  ) -> DatabasePlan {
    DatabasePlan.make(
      DatabaseObservation(
        database: database, destination: destination, backups: backups, server: server, receiver: receiver,
        instance: instance, now: PlanValues.now))
  }

  @Test("a reachable server that is archived is Ready, with its version")
  func ready() {
    let plan = Self.plan()
    #expect(plan.actions.isEmpty && plan.status.conditions.readyReason == Reason.connected)
    #expect(plan.status.serverVersion == "15.18" && plan.status.systemIdentifier == "7")
    #expect(plan.next == .requeue(after: DatabasePlan.steadyInterval))
  }

  @Test("archiving is started, and a receiver with old settings is started anew")
  func startsReceiver() {
    #expect(Self.plan(receiver: .absent).actions == [.startReceiver])
    let changed = Self.plan(receiver: .outdated)
    #expect(changed.actions == [.startReceiver] && changed.events.map(\.reason).contains("ArchivingRestarted"))
  }

  @Test("a receiver that was lost or failed is started again, and the condition says why it ended")
  func restartsReceiver() {
    let plan = Self.plan(receiver: .ended(PlanValues.failure))
    #expect(plan.actions == [.startReceiver] && plan.status.conditions.readyReason == PlanValues.failure.code)
    #expect(plan.next == .requeue(after: DatabasePlan.retryInterval))
  }

  @Test("a receiver that its platform starts again by itself is left to it, and the condition says what it failed with")
  func hinderedReceiver() {
    let plan = Self.plan(receiver: .hindered(PlanValues.failure))
    #expect(plan.actions.isEmpty && plan.status.conditions.readyReason == PlanValues.failure.code)
    #expect(plan.events.map(\.reason).contains(PlanValues.failure.code))
  }

  @Test("a receiver at work goes on while the destination is not Ready; a new one waits for it")
  func destinationNotReady() {
    let unwell = PlanValues.destination {
      $0.status?.conditions = [PlanValues.condition(ConditionType.ready, .false, "EndpointUnreachable")]
    }
    #expect(Self.plan(receiver: .current, destination: unwell).status.conditions.readyReason == Reason.connected)
    let waiting = Self.plan(receiver: .absent, destination: unwell)
    #expect(waiting.actions.isEmpty && waiting.status.conditions.readyReason == Reason.destinationNotReady)
    #expect(Self.plan(destination: nil).status.conditions.readyReason == Reason.destinationNotFound)
  }

  @Test("a server with another system identifier stalls the Database, and nothing is archived from it")
  func otherSystem() {
    let database = PlanValues.database {
      var status = DatabaseStatus()
      status.systemIdentifier = "8"
      $0.status = status
    }
    let plan = Self.plan(database, receiver: .absent)
    #expect(plan.actions.isEmpty && plan.status.systemIdentifier == "8")
    #expect(plan.status.conditions?[type: ConditionType.stalled]?.reason == Reason.systemIdentifierChanged)
    #expect(plan.events.map(\.reason) == [Reason.systemIdentifierChanged])
  }

  @Test("an instance with another system's data does not make the server of the spec another one")
  func otherSystemRestored() {
    let restored = PlanValues.database {
      var status = DatabaseStatus()
      status.systemIdentifier = "8"
      $0.liveInstance = SwitchValues.restored
      $0.status = status
    }
    var away = Self.plan(restored, receiver: .absent, instance: .running(PlanValues.instance)).status
    #expect(away.systemIdentifier == "7" && away.originalSystemIdentifier == "8")
    var back = restored
    back.liveInstance = SwitchValues.original
    back.status = away
    // The server of the spec was 8, and says 7 now.
    #expect(Self.plan(back, receiver: .absent).status.conditions.readyReason == Reason.systemIdentifierChanged)
    away.originalSystemIdentifier = "7"
    away.systemIdentifier = "8"
    back.status = away
    let there = Self.plan(back, receiver: .absent).status
    #expect(there.systemIdentifier == "7" && there.originalSystemIdentifier == nil)
  }

  @Test("a server that does not answer, a Secret that is missing and a bad spec have their reasons")
  func notReady() {
    let bad = PlanValues.database { $0.spec.connection.port = 0 }
    let table: [(DatabasePlan, String)] = [
      (Self.plan(server: .failed(reason: Reason.connectionFailed, message: "refused")), Reason.connectionFailed),
      (Self.plan(server: .secretMissing("Secret login is not there")), Reason.secretMissing),
      (Self.plan(bad, server: .notAsked), Reason.invalidSpec),
    ]
    for (plan, reason) in table {
      #expect(plan.status.conditions.readyReason == reason && plan.events.map(\.reason) == [reason])
      #expect(plan.next == .requeue(after: DatabasePlan.retryInterval))
    }
  }

  @Test("a gap makes a base backup by itself, once")
  func gap() {
    let from = MicroTime(microsecondsSince1970: 42)
    let database = PlanValues.database {
      var status = DatabaseStatus()
      status.recoveryWindow = RecoveryWindowStatus(
        gaps: [RecoveryGapStatus(from: from, to: nil, reason: "the slot is gone")])
      $0.status = status
    }
    let first = Self.plan(database)
    #expect(first.actions == [.backUp(name: "shop-gap-42", origin: "Gap")])
    #expect(first.events.contains { $0.reason == Reason.walGap && $0.type == .warning })
    #expect(Self.plan(database, backups: [PlanValues.backup("shop-gap-42")]).actions.isEmpty)
    var closed = database
    closed.status?.recoveryWindow?.gaps = [RecoveryGapStatus(from: from, to: MicroTime(PlanValues.now), reason: "")]
    #expect(Self.plan(closed).actions.isEmpty)
  }

  @Test("with pitr off the receiver ends, its slot is dropped, and Archiving says Disabled")
  func turnedOff() {
    let database = PlanValues.database { $0.spec.pitr?.enabled = false }
    let plan = Self.plan(database, receiver: .current)
    #expect(plan.actions == [.stopReceiver, .dropSlot])
    #expect(plan.status.conditions?[type: ConditionType.archiving]?.reason == Reason.disabled)
    #expect(plan.status.conditions?.isTrue(ConditionType.ready) == true)
  }

  @Test("what the receiver writes is not the controller's to write")
  func ownership() {
    let database = PlanValues.database {
      var status = DatabaseStatus()
      status.conditions = [PlanValues.condition(ConditionType.archiving, .true, Reason.streaming)]
      status.archiving = ArchivingStatus()
      status.recoveryWindow = RecoveryWindowStatus()
      status.activeIncarnation = "i1"
      $0.status = status
    }
    let status = Self.plan(database).status
    #expect(status.conditions?[type: ConditionType.archiving] == nil)
    #expect(status.archiving == nil && status.recoveryWindow == nil && status.activeIncarnation == nil)
  }

  @Test("the newest Completed Backup is the last backup")
  func lastBackup() {
    func completed(_ name: String, at seconds: Int64) -> Backup {
      PlanValues.backup(name) {
        var status = BackupStatus()
        (status.phase, status.completedAt) = (.completed, Timestamp(secondsSince1970: seconds))
        $0.status = status
      }
    }
    let backups = [completed("old", at: 1), completed("new", at: 3), completed("middle", at: 2), PlanValues.backup()]
    #expect(Self.plan(backups: backups).status.lastBackup == "new")
  }

  @Test("deleting a Database ends its receiver, drops its slot and removes its instances, live and left")
  func deletes() {
    var database = PlanValues.database()
    database.metadata.beginDeletion()
    #expect(
      Self.plan(database, server: .notAsked).actions == [.stopReceiver, .removeInstances, .dropSlot, .removeFinalizer])
    var clones = database
    clones.metadata.annotations[TidemarkAnnotation.instance] = "clone-1"
    let hosted = Self.plan(clones, server: .notAsked, instance: .stopped)
    #expect(hosted.actions == [.stopReceiver, .removeInstances, .removeFinalizer])
    var switched = database
    switched.liveInstance = Self.moved
    let left = Self.plan(switched, server: .notAsked, instance: .stopped)
    #expect(left.actions == [.stopReceiver, .removeInstances, .dropOriginalSlot, .removeFinalizer])
    #expect(left.events.map(\.reason) == ["OriginalServerLeft"])
  }

  private static let moved = DatabaseInstance(
    name: "restore-1", serverMajor: 15, endpoint: Endpoint(host: "127.0.0.1", port: 5433), incarnation: "restore-1")

  @Test("after a switch the endpoint is the new server's, and its system identifier is taken as it is")
  func switched() {
    let database = PlanValues.database {
      $0.liveInstance = Self.moved
      var status = DatabaseStatus()
      status.systemIdentifier = "8"
      $0.status = status
    }
    let plan = Self.plan(database, instance: .running(PlanValues.instance))
    #expect(plan.status.endpoint == Self.moved.endpoint && plan.status.systemIdentifier == "7")
    #expect(plan.status.conditions.readyReason == Reason.connected)
  }

  @Test("while a switch is under way, a server that was stopped for it is not started again")
  func switching() {
    let database = PlanValues.database {
      $0.liveInstance = Self.moved
      $0.metadata.annotations[TidemarkAnnotation.switching] = "uid-of-undo"
    }
    let plan = Self.plan(
      database, server: .failed(reason: Reason.connectionFailed, message: "refused"), instance: .stopped)
    #expect(plan.actions.isEmpty && plan.status.conditions.readyReason == Reason.switching)
  }

  @Test("what keeps clients from following is told with Ready, and once as an event")
  func unpublished() {
    let note = "Service shop is not there; create it"
    var seen = DatabaseObservation(
      database: PlanValues.database(), destination: PlanValues.destination(), backups: [],
      server: Self.found, receiver: .current, instance: nil, unpublished: [note], now: PlanValues.now)
    let plan = DatabasePlan.make(seen)
    #expect(plan.status.conditions?[type: ConditionType.ready]?.message.contains(note) == true)
    #expect(plan.events.contains { $0.reason == "NotPublished" && $0.message == note })
    seen.database.status = plan.status
    #expect(!DatabasePlan.make(seen).events.contains { $0.reason == "NotPublished" })
  }

  @Test("an instance that stands still, as after a restart of the machine, is started")
  func startsInstance() {
    let plan = Self.plan(server: .failed(reason: Reason.connectionFailed, message: "refused"), instance: .stopped)
    #expect(plan.actions == [.startInstance])
  }
}
