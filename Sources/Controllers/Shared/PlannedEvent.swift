import KubeModel
package import KubeRuntime

/// An event that a plan asks for.
package struct PlannedEvent: Equatable, Sendable {
  package var type: EventType
  package var reason: String
  package var message: String

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
