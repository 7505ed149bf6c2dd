package import KubeModel
import Steps
import TidemarkAPI

/// How a resource is, in the three words that kstatus knows.
package enum Health: Equatable, Sendable {
  /// It is in the state that its spec asks for.
  case ready(reason: String, message: String)
  /// It is on its way there, or waits for something that may come by itself.
  case progressing(reason: String, message: String)
  /// A person has to change something first.
  case stalled(reason: String, message: String)
}

extension [Condition] {
  /// Sets Ready, Reconciling and Stalled to say `health`.
  ///
  /// As kstatus has it, Reconciling and Stalled are there only while they are true.
  package mutating func report(_ health: Health, generation: Int64?, now: Timestamp) {
    func set(_ type: String, _ status: Condition.Status, _ reason: String, _ message: String) {
      self.set(type, status, reason: reason, message: message, observedGeneration: generation, now: now)
    }
    switch health {
    case .ready(let reason, let message):
      set(ConditionType.ready, .true, reason, message)
      remove(type: ConditionType.reconciling)
      remove(type: ConditionType.stalled)
    case .progressing(let reason, let message):
      set(ConditionType.ready, .false, reason, message)
      set(ConditionType.reconciling, .true, reason, message)
      remove(type: ConditionType.stalled)
    case .stalled(let reason, let message):
      set(ConditionType.ready, .false, reason, message)
      remove(type: ConditionType.reconciling)
      set(ConditionType.stalled, .true, reason, message)
    }
  }

  /// Only the conditions of these types.
  func only(_ types: String...) -> [Condition] { filter { types.contains($0.type) } }
}

extension Health {
  /// What an error means for a resource that waits until it has passed; nil for one that is only to be tried again.
  init?(passing error: any Error) {
    switch error {
    case let missing as MissingSecret: self = missing.health
    case let missing as MissingVolumes: self = missing.health
    // The platform refused: a person may have to mend it, and it is tried again meanwhile.
    case let error as StepError: self = .progressing(reason: error.code.rawValue, message: error.message)
    case let error as FailedServerProbe: self = .progressing(reason: error.reason, message: error.message)
    default: return nil
    }
  }
}
