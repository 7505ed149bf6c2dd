import KubeModel
package import KubeRuntime
import Metrics

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
  /// Records what a plan asks for; warnings are counted by kind and reason.
  func record<R: KubeResource>(_ events: [PlannedEvent], about object: R) {
    for event in events {
      record(event.type, event.reason, event.message, about: object)
      guard event.type == .warning else { continue }
      Counter(
        label: "tidemark_failures_total", dimensions: [("kind", R.resource.kind), ("reason", event.reason)]
      ).increment()
    }
  }
}
