import KubeModel
import KubeRuntime

/// An event that a plan asks for.
struct PlannedEvent: Equatable, Sendable {
  var type: EventType
  var reason: String
  var message: String

  static func normal(_ reason: String, _ message: String) -> PlannedEvent {
    PlannedEvent(type: .normal, reason: reason, message: message)
  }

  static func warning(_ reason: String, _ message: String) -> PlannedEvent {
    PlannedEvent(type: .warning, reason: reason, message: message)
  }
}

extension EventRecorder {
  /// Records what a plan asks for.
  func record(_ events: [PlannedEvent], about object: some KubeResource) {
    for event in events { record(event.type, event.reason, event.message, about: object) }
  }
}
