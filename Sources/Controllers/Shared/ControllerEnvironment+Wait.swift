import KubeModel
import KubeRuntime
import TidemarkAPI

extension ControllerEnvironment {
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
