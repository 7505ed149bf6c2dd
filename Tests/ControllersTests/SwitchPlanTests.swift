import Controllers
import KubeModel
import Steps
import Testing
import TidemarkAPI

@Suite("The plan of a switch")
struct SwitchPlanTests {
  private typealias Values = SwitchValues

  private static func plan(
    _ restore: RestoreRequest, on database: Database? = SwitchValues.database(),
    old: SwitchObservation.Old = .seen(SwitchValues.quiet), new: SwitchObservation.New = .ready, rival: String? = nil,
    after seconds: Int64 = 0
  ) -> SwitchPlan {
    SwitchPlan.make(
      SwitchObservation(
        restore: restore, database: database, rival: rival, old: old, new: new, now: SwitchValues.later(seconds)))
  }

  private static func marked(on live: DatabaseInstance = SwitchValues.original) -> Database {
    SwitchValues.database(on: live) { SwitchValues.mark(&$0) }
  }

  // MARK: Whether there is something to switch

  @Test("a restored instance waits for a person, and nothing is touched")
  func waits() {
    let plan = Self.plan(Values.restore(wants: false), old: .notAsked)
    #expect(plan.first.isEmpty && plan.then.isEmpty && plan.status.phase == .readyToSwitch)
    #expect(plan.status.conditions.readyReason == Reason.readyToSwitch)
  }

  @Test("asked for, it begins by marking the Database, and remembers the server that it leaves")
  func begins() {
    let plan = Self.plan(Values.restore())
    #expect(plan.first == [.claim] && plan.then.isEmpty && plan.status.phase == .switching)
    #expect(plan.status.previousInstance == Values.original)
    #expect(plan.status.switching?.stage == .closing && plan.status.switching?.direction == .toRestored)
    let automatic = Values.restore { ($0.spec.switchRequested, $0.spec.switchOver) = (nil, .automatic) }
    #expect(Self.plan(automatic).first == [.claim])
  }

  @Test("what stands in the way is told, and nothing is touched")
  func obstacles() {
    let idle = Values.database { $0.status?.conditions = [] }
    let prepared = Fence.View(openDatabases: ["shop"], preparedTransactions: ["half"])
    let table: [(SwitchPlan, String)] = [
      (Self.plan(Values.restore(), rival: "other"), Reason.waiting),
      (Self.plan(Values.restore(), old: .unreachable(reason: "ServerUnreachable", message: "m")), "ServerUnreachable"),
      (Self.plan(Values.restore(), old: .seen(Fence.View(mayClose: false))), Reason.switchNotPermitted),
      (Self.plan(Values.restore(), old: .seen(prepared)), Reason.preparedTransactions),
      (Self.plan(Values.restore(), on: idle), Reason.waiting),
      (Self.plan(Values.restore { $0.spec.strategy = .inPlace }), Reason.unsupported),
      (Self.plan(Values.restore(), new: .starting), Reason.switching),
      (Self.plan(Values.restore(), new: .unusable("its data are gone")), Reason.switchFailed),
    ]
    for (plan, reason) in table {
      #expect(plan.first.isEmpty && plan.then.isEmpty && plan.status.switching == nil, "\(reason)")
      #expect(plan.status.conditions.readyReason == reason && plan.status.phase == .readyToSwitch)
    }
  }

  @Test("an unreachable server is left only on a person's word")
  func proceeds() {
    let lost = SwitchObservation.Old.unreachable(reason: "ServerUnreachable", message: "m")
    let word: (inout RestoreRequest) -> Void = { $0.spec.whenUnreachable = .proceed }
    #expect(Self.plan(Values.restore(.readyToSwitch, wants: true, word), old: lost).first == [.claim])
    let closing = Self.plan(Values.switching(.closing, .toRestored, wants: nil, word), on: Self.marked(), old: lost)
    #expect(closing.status.switching?.stage == .moving)
    let waiting = Self.plan(Values.switching(.closing), on: Self.marked(), old: lost)
    #expect(waiting.status.switching?.stage == .closing && waiting.then.isEmpty)
  }

  // MARK: The way of a switch

  @Test("closing says first what it closes, ends idle clients at once, and the others after their time")
  func closes() {
    let first = Self.plan(Values.switching(.closing), on: Self.marked(), old: .seen(Values.crowded))
    #expect(first.then == [.close(["postgres", "shop"]), .end(.idle)])
    #expect(first.status.closedDatabases == ["postgres", "shop"] && first.status.switching?.stage == .closing)
    let draining = Fence.View(busyClients: 1)
    #expect(Self.plan(Values.switching(.closing), on: Self.marked(), old: .seen(draining)).then == [.end(.idle)])
    let late = Self.plan(Values.switching(.closing), on: Self.marked(), old: .seen(draining), after: 31)
    #expect(late.then == [.end(.all)])
  }

  @Test("with the last client gone the end of the log is written down, and waited for")
  func waitsForLog() {
    let ended = Self.plan(Values.switching(.closing), on: Self.marked())
    #expect(ended.status.switching?.stage == .waitingForLog && ended.status.switching?.lastLSN == "0/5000000")
    let behind = Values.database {
      SwitchValues.mark(&$0)
      $0.status?.archiving?.lastLSN = "0/4FFFFFF"
    }
    #expect(Self.plan(Values.switching(.waitingForLog), on: behind).status.switching?.stage == .waitingForLog)
    let stored = Self.plan(Values.switching(.waitingForLog), on: Self.marked())
    #expect(stored.status.switching?.stage == .moving && stored.first.isEmpty && stored.then.isEmpty)
    let unarchived = Values.database {
      SwitchValues.mark(&$0)
      $0.spec.pitr = nil
    }
    #expect(Self.plan(Values.switching(.closing), on: unarchived).status.switching?.stage == .moving)
  }

  @Test("what another incarnation's receiver has stored does not count")
  func othersLog() {
    let other = Values.database {
      SwitchValues.mark(&$0)
      $0.status?.activeIncarnation = "restore-earlier"
    }
    #expect(Self.plan(Values.switching(.waitingForLog), on: other).status.switching?.stage == .waitingForLog)
  }

  @Test("a server that was opened again meanwhile is closed again, and its log waited for anew")
  func reopened() {
    let plan = Self.plan(Values.switching(.waitingForLog), on: Self.marked(), old: .seen(Values.crowded))
    #expect(plan.status.switching?.stage == .closing && plan.status.switching?.lastLSN == nil)
  }

  @Test("the move is one write, after the new server answers and an old one of ours was stopped")
  func moves() {
    #expect(Self.plan(Values.switching(.moving), on: Self.marked()).then == [.move])
    #expect(Self.plan(Values.switching(.moving), on: Self.marked(), new: .stopped).then == [.startNew])
    let back = Self.plan(Values.switching(.moving, .toPrevious), on: Self.marked(on: Values.restored))
    #expect(back.then == [.stopOld, .move])
  }

  @Test("after the move the new server is opened, and the switch ends when endpoint and archive have followed")
  func follows() {
    let moved = Self.plan(Values.switching(.moving), on: Self.marked(on: Values.restored), old: .notAsked)
    #expect(moved.status.switching?.stage == .following && moved.first.isEmpty && moved.then.isEmpty)
    let untold = Values.database(on: Values.restored) {
      SwitchValues.mark(&$0)
      $0.status?.endpoint = SwitchValues.original.endpoint
    }
    let waiting = Self.plan(Values.switching(.following), on: untold, old: .notAsked)
    #expect(waiting.first == [.openNew] && waiting.status.phase == .switching)
    let done = Self.plan(Values.switching(.following), on: Self.marked(on: Values.restored), old: .notAsked)
    #expect(done.first == [.openNew, .backUp(name: "shop-switch-uid-of-u"), .release])
    #expect(done.status.phase == .completed && done.status.switching == nil && done.status.completedAt != nil)
    #expect(done.status.conditions.readyReason == Reason.switched)
  }

  @Test("switching back is the same the other way, without another base backup")
  func back() {
    var completed = Values.restore(.completed, wants: false)
    completed.status?.previousInstance = Values.original
    let begins = Self.plan(completed, on: Values.database(on: Values.restored))
    #expect(begins.first == [.claim] && begins.status.switching?.direction == .toPrevious)
    #expect(begins.status.previousInstance == Values.original)
    let done = Self.plan(Values.switching(.following, .toPrevious), on: Self.marked(), old: .notAsked)
    #expect(done.first == [.openNew, .release] && done.status.phase == .readyToSwitch)
    #expect(done.status.conditions.readyReason == Reason.switchedBack)
  }

  // MARK: Giving up

  @Test("whatever fails before the move opens the old server, and is tried again only when asked anew")
  func givesUp() {
    let prepared = Fence.View(preparedTransactions: ["half"])
    let failures: [(SwitchPlan, String)] = [
      (Self.plan(Values.switching(.closing), on: Self.marked(), old: .seen(prepared)), Reason.preparedTransactions),
      (
        Self.plan(Values.switching(.closing), on: Self.marked(), old: .seen(Values.crowded), after: 200),
        Reason.switchFailed
      ),
      (
        Self.plan(
          Values.switching(.closing), on: Self.marked(), old: .unreachable(reason: "ServerUnreachable", message: "m"),
          after: 200), "ServerUnreachable"
      ),
      (Self.plan(Values.switching(.moving), on: Self.marked(), new: .unusable("gone")), Reason.switchFailed),
    ]
    for (plan, code) in failures {
      #expect(plan.status.switching?.stage == .undoing && plan.status.error?.code == code)
      #expect(plan.first.isEmpty && plan.then.isEmpty)
    }
    let undoing = Values.switching(.undoing) { $0.status?.error = PlanValues.failure }
    let undone = Self.plan(undoing, on: Self.marked(), old: .notAsked)
    #expect(undone.first == [.openOld, .release] && undone.status.phase == .readyToSwitch)
    #expect(undone.status.conditions?[type: ConditionType.stalled]?.reason == PlanValues.failure.code)
    var again = Values.restore()
    again.status = undone.status
    #expect(Self.plan(again).first.isEmpty)
    again.metadata.generation = 2
    #expect(Self.plan(again).first == [.claim])
  }

  @Test("a switch that is not asked for any more is undone before the move, and finished after it")
  func reversed() {
    for stage in [SwitchStage.closing, .waitingForLog] {
      let plan = Self.plan(Values.switching(stage, wants: false), on: Self.marked())
      #expect(plan.status.switching?.stage == .undoing && plan.status.error == nil)
    }
    let moved = Self.plan(Values.switching(.moving, wants: false), on: Self.marked(on: Values.restored))
    #expect(moved.status.switching?.stage == .following)
    var deleted = Values.switching(.closing)
    deleted.metadata.beginDeletion()
    #expect(Self.plan(deleted, on: Self.marked()).status.switching?.stage == .undoing)
  }

  @Test("a server that another switch has closed is not opened")
  func foreignMark() {
    let elsewhere = Values.database(on: DatabaseInstance(name: "restore-2", incarnation: "restore-2"))
    #expect(Self.plan(Values.switching(.closing), on: elsewhere).first == [.release])
    let unmarked = Self.plan(Values.switching(.undoing), on: Values.database(), old: .notAsked)
    #expect(unmarked.first == [.release])
  }

  @Test("clients that another restore has moved on are not fetched back")
  func superseded() {
    let elsewhere = Values.database(on: DatabaseInstance(name: "restore-2", incarnation: "restore-2"))
    for wants in [true, false] {
      var completed = Values.restore(.completed, wants: wants)
      completed.status?.previousInstance = Values.original
      let plan = Self.plan(completed, on: elsewhere)
      #expect(plan.first.isEmpty && plan.status.phase == .completed)
      #expect(plan.status.conditions.readyReason == Reason.superseded)
    }
  }

  // MARK: In place

  @Test("in place, the data directories change places and the endpoint stays")
  func inPlace() {
    let live = DatabaseInstance(
      name: "clone-1", serverMajor: 15, endpoint: Endpoint(host: "db", port: 5432), incarnation: "clone-1")
    let switching = Values.switching(.moving) {
      $0.spec.strategy = .inPlace
      $0.status?.previousInstance = live
    }
    let database = Self.marked(on: live)
    #expect(Self.plan(switching, on: database, new: .notAsked).then == [.exchange, .move])
    let route = SwitchRoute(.toRestored, of: switching, database)
    #expect(route?.new.name == "clone-1" && route?.new.endpoint == live.endpoint)
    #expect(route?.incarnations?.incoming == "restore-uid-of-undo" && route?.incarnations?.outgoing == "clone-1")
    #expect(route?.aside == "restore-uid-of-undo")
    var moved = database
    if let new = route?.new { moved.liveInstance = new }
    #expect(Self.plan(switching, on: moved).status.switching?.stage == .following)
    // The receiver is not started in between: the endpoint is the same, the data are not.
    #expect(switching.isExchangingData(of: database) && !switching.isExchangingData(of: moved))
    var waiting = switching
    waiting.status?.switching?.stage = .waitingForLog
    #expect(!waiting.isExchangingData(of: database), "the log is still to be stored")
    #expect(!Values.switching(.moving).isExchangingData(of: Self.marked()), "side by side, each has an endpoint")
    let back = SwitchRoute(.toPrevious, of: switching, moved)
    #expect(back?.new == live && back?.incarnations?.incoming == "clone-1")
  }
}
