import Controllers
import KubeModel
import Testing
import TidemarkAPI

@Suite("The plan of a BackupDestination")
struct DestinationPlanTests {
  private static func plan(
    _ destination: BackupDestination, referrers: [String] = [], now: Timestamp = PlanValues.now
  ) -> DestinationPlan {
    DestinationPlan.make(DestinationObservation(destination: destination, referrers: referrers, now: now))
  }

  @Test("a destination is probed at first, after a change, while it is not Ready, and after its interval")
  func probes() {
    let later = { (seconds: Int64) in Timestamp(secondsSince1970: PlanValues.now.secondsSince1970 + seconds) }
    #expect(Self.plan(PlanValues.destination { $0.status = nil }) == .probe)
    #expect(Self.plan(PlanValues.destination { $0.metadata.generation = 2 }) == .probe)
    let unwell = PlanValues.destination {
      $0.status?.conditions = [PlanValues.condition(ConditionType.ready, .false, Reason.bucketNotFound)]
    }
    #expect(Self.plan(unwell) == .probe)
    #expect(Self.plan(PlanValues.destination(), now: later(590)) == .wait(.seconds(10)))
    #expect(Self.plan(PlanValues.destination(), now: later(600)) == .probe)
    // A clock that was set back must not put the next probe off for long.
    #expect(Self.plan(PlanValues.destination(), now: later(-60)) == .probe)
  }

  @Test("a bad spec and suspend are said without a probe")
  func reports() {
    guard case .report(.stalled(let reason, let message)) = Self.plan(PlanValues.destination { $0.spec.endpoint = nil })
    else {
      Issue.record("a custom provider without endpoint was not reported")
      return
    }
    #expect(reason == Reason.invalidSpec && message.contains("endpoint"))
    guard case .report(.stalled(Reason.suspended, _)) = Self.plan(PlanValues.destination { $0.spec.suspend = true })
    else {
      Issue.record("a suspended destination was not reported")
      return
    }
  }

  @Test("a destination that is deleted while in use is held, with the names of its users")
  func held() {
    var destination = PlanValues.destination()
    destination.metadata.beginDeletion()
    guard
      case .hold(let message) = Self.plan(destination, referrers: ["Backup/a", "Backup/b", "Backup/c", "Database/d"])
    else {
      Issue.record("it was not held")
      return
    }
    #expect(message.contains("Backup/a, Backup/b, Backup/c and 1 more"))
    #expect(Self.plan(destination) == .release)
  }

  @Test("the finalizer comes before everything else")
  func finalizer() {
    #expect(Self.plan(PlanValues.destination { $0.metadata.finalizers = [] }) == .addFinalizer)
  }
}
