import KubeModel
import Testing

@Suite("Conditions")
struct ConditionTests {
  private let early = Timestamp(secondsSince1970: 1000)
  private let late = Timestamp(secondsSince1970: 2000)

  @Test("the same status seen again keeps the time of its last transition")
  func keepsTransitionTime() {
    var conditions: [Condition] = []
    let first = conditions.set("Ready", .true, reason: "Validated", message: "", now: early)
    let again = conditions.set("Ready", .true, reason: "Validated", message: "", now: late)
    #expect(first && !again)
    let reworded = conditions.set(
      "Ready", .true, reason: "Validated", message: "still", observedGeneration: 2, now: late)
    #expect(reworded)
    #expect(conditions[type: "Ready"]?.lastTransitionTime == early)
    #expect(conditions[type: "Ready"]?.message == "still")
    let turned = conditions.set("Ready", .false, reason: "AccessDenied", message: "", now: late)
    #expect(turned)
    #expect(conditions[type: "Ready"]?.lastTransitionTime == late)
    #expect(conditions.count == 1)
  }

  @Test("merging sets what is given, in its place, and leaves other types alone")
  func merging() {
    var conditions: [Condition] = []
    conditions.set("Ready", .true, reason: "A", message: "", now: early)
    conditions.set("Archiving", .false, reason: "B", message: "", now: early)
    let merged = conditions.merging([
      Condition(type: "Ready", status: .unknown, reason: "C", message: "", lastTransitionTime: late),
      Condition(type: "Stalled", status: .true, reason: "D", message: "", lastTransitionTime: late),
    ])
    #expect(merged.map(\.type) == ["Ready", "Archiving", "Stalled"])
    #expect(merged[0].lastTransitionTime == late && merged[1] == conditions[1])
    #expect(merged.isTrue("Stalled") && !merged.isTrue("Ready") && !merged.isTrue("Absent"))
  }

  @Test("removing tells whether it was there")
  func removing() {
    var conditions: [Condition] = []
    conditions.set("Ready", .true, reason: "A", message: "", now: early)
    let (first, second) = (conditions.remove(type: "Ready"), conditions.remove(type: "Ready"))
    #expect(first && !second)
  }
}
