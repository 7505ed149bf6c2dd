import Controllers
import KubeModel
import Testing
import TidemarkAPI

@Suite("Health in conditions")
struct HealthTests {
  @Test("Reconciling and Stalled are there only while they are true, as kstatus wants it")
  func kstatus() {
    var conditions: [Condition] = [PlanValues.condition(ConditionType.archiving, .true, Reason.streaming)]
    func types() -> [String: Condition.Status] {
      Dictionary(uniqueKeysWithValues: conditions.map { ($0.type, $0.status) })
    }
    conditions.report(.progressing(reason: "A", message: "a"), generation: 3, now: PlanValues.now)
    #expect(types() == ["Archiving": .true, "Ready": .false, "Reconciling": .true])
    conditions.report(.stalled(reason: "B", message: "b"), generation: 3, now: PlanValues.now)
    #expect(types() == ["Archiving": .true, "Ready": .false, "Stalled": .true])
    conditions.report(.ready(reason: "C", message: "c"), generation: 4, now: PlanValues.now)
    #expect(types() == ["Archiving": .true, "Ready": .true])
    #expect(conditions[type: "Ready"]?.reason == "C" && conditions[type: "Ready"]?.observedGeneration == 4)
  }
}
