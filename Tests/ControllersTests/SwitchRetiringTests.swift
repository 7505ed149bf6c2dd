import Controllers
import KubeModel
import Steps
import Testing
import TidemarkAPI

@Suite("What clients have left")
struct SwitchRetiringTests {
  private typealias Values = SwitchValues
  private static let earlier = DatabaseInstance(
    name: "restore-earlier", serverMajor: 15, endpoint: Endpoint(host: "127.0.0.1", port: 5434),
    incarnation: "restore-earlier", origin: "{}")

  private static func plan(
    _ restore: RestoreRequest, on live: DatabaseInstance, old: SwitchObservation.Old = .notAsked,
    rival: String? = nil, after seconds: Int64
  ) -> SwitchPlan {
    SwitchPlan.make(
      SwitchObservation(
        restore: restore, database: Values.database(on: live), rival: rival, old: old, new: .ready,
        now: Values.later(seconds)))
  }

  /// A restore whose switch was done just now, away from `previous`, and which keeps it for a minute.
  private static func switched(
    from previous: DatabaseInstance = earlier, wants: Bool = true, _ change: (inout RestoreRequest) -> Void = { _ in }
  ) -> RestoreRequest {
    Values.restore(wants ? .completed : .readyToSwitch, wants: wants) {
      $0.status?.previousInstance = previous
      $0.status?.completedAt = PlanValues.now
      $0.status?.keepUntil = Values.later(60)
      change(&$0)
    }
  }

  @Test("a switch says until when what it leaves is kept, and for good where nothing is asked")
  func says() {
    let following = Values.switching(.following) { $0.spec.keepPrevious = GoDuration(.seconds(60)) }
    let database = Values.database(on: Values.restored) { SwitchValues.mark(&$0) }
    let plan = SwitchPlan.make(
      SwitchObservation(restore: following, database: database, now: Values.later(5)))
    #expect(plan.status.phase == .completed && plan.status.keepUntil == Values.later(65))
    let forGood = SwitchPlan.make(
      SwitchObservation(restore: Values.switching(.following), database: database, now: Values.later(5)))
    #expect(forGood.status.phase == .completed && forGood.status.keepUntil == nil)
  }

  @Test("it is removed when its time is over, not before, and once")
  func removes() {
    #expect(Self.plan(Self.switched(), on: Values.restored, after: 59).first.isEmpty)
    let over = Self.plan(Self.switched(), on: Values.restored, after: 60)
    #expect(over.first == [.retire("restore-earlier")] && over.status.removedInstance == "restore-earlier")
    #expect(over.status.phase == .completed)
    let again = Self.switched { $0.status?.removedInstance = "restore-earlier" }
    #expect(Self.plan(again, on: Values.restored, after: 90).first.isEmpty)
  }

  @Test("after a switch back the restored instance goes; in place, what lies aside")
  func whatGoes() {
    let back = Self.plan(Self.switched(wants: false), on: Self.earlier, after: 60)
    #expect(back.first == [.retire("restore-uid-of-undo")] && back.status.phase == .readyToSwitch)
    let inPlace = Self.switched {
      $0.status?.strategy = .inPlace
      $0.spec.strategy = .inPlace
    }
    var served = Values.restored
    (served.name, served.endpoint) = (Self.earlier.name, Self.earlier.endpoint)
    #expect(Self.plan(inPlace, on: served, after: 60).first == [.retire("restore-uid-of-undo")])
  }

  @Test("nothing goes that is live, that is not ours, or while another restore moves the clients")
  func stays() {
    #expect(Self.plan(Self.switched(), on: Values.restored, rival: "other", after: 60).first.isEmpty)
    #expect(Self.plan(Self.switched(from: Values.original), on: Values.restored, after: 60).first.isEmpty)
    // Somebody moved the clients to what is to go.
    #expect(Self.plan(Self.switched(), on: Self.earlier, after: 60).first.isEmpty)
  }

  @Test("there is no switching to what is gone")
  func gone() {
    let back = Self.switched(wants: false) {
      $0.status?.phase = .completed; $0.status?.removedInstance = "restore-earlier"
    }
    let plan = Self.plan(back, on: Values.restored, old: .seen(Values.quiet), after: 90)
    #expect(plan.first.isEmpty && plan.then.isEmpty && plan.status.switching == nil)
    #expect(plan.status.conditions.readyReason == Reason.switchFailed)
  }
}
