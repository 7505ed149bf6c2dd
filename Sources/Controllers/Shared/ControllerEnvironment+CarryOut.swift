import KubeModel
import KubeRuntime
import TidemarkAPI

extension ControllerEnvironment {
  /// Writes what a plan says of `object`, whose status said `before`, and does what it asks for.
  ///
  /// What was found is written before what it led to is cleared away: a crash in between loses neither. Where something
  /// can't be done now, that is said and waited for; of what has ended, its end is what there is to say.
  func carryOut<Resource: KubeStatusResource, Plan: ActingPlan>(
    _ plan: Plan, for object: Resource, _ before: Resource.Status?,
    _ perform: (Plan.Action, Resource) async throws -> Void
  ) async throws -> ReconcileResult where Resource.Status == Plan.Status {
    let isNews = plan.status != before ?? Resource.Status()
    let current = try await isNews ? statuses.apply(plan.status, to: object) : object
    for action in plan.actions {
      do {
        try await perform(action, current)
      } catch {
        guard let health = Health(passing: error) else { throw error }
        if plan.status.phase?.isFinal == true {
          events.record(plan.events, about: object)
          return .requeue(after: .seconds(10))
        }
        // What could not be started has not begun.
        return try await wait(health, for: current, saying: action == .start ? before : plan.status)
      }
    }
    events.record(plan.events, about: object)
    return plan.next
  }

  /// Says why nothing goes on now, beside what `known` says, and has it looked at again soon.
  func wait<Resource: KubeStatusResource>(
    _ health: Health, for object: Resource, saying known: Resource.Status?
  ) async throws -> ReconcileResult where Resource.Status: AttemptedStatus {
    var status = known ?? Resource.Status()
    var conditions = status.conditions ?? []
    let before = conditions[type: ConditionType.ready]
    conditions.report(health, generation: object.metadata.generation, now: .now)
    status.phase = status.phase ?? .pending
    status.conditions = conditions
    _ = try await statuses.apply(status, to: object)
    if let now = conditions[type: ConditionType.ready], before?.message != now.message {
      events.record([.warning(now.reason, now.message)], about: object)
    }
    return .requeue(after: .seconds(5))
  }
}
