package import KubeModel
import KubeRuntime
package import TidemarkAPI

/// What a reconcile of a BackupDestination sees.
package struct DestinationObservation: Sendable {
  package var destination: BackupDestination
  /// What refers to it, as `Kind/name`, sorted.
  package var referrers: [String]
  package var now: Timestamp

  /// What was seen.
  package init(destination: BackupDestination, referrers: [String], now: Timestamp) {
    self.destination = destination
    self.referrers = referrers
    self.now = now
  }
}

/// What there is to do about a BackupDestination.
package enum DestinationPlan: Equatable, Sendable {
  /// Put our finalizer on it; the rest comes with the change.
  case addFinalizer
  /// It was deleted and nothing refers to it: let it go.
  case release
  /// It was deleted while something refers to it: say so, and look again.
  case hold(message: String)
  /// Say this, without a probe.
  case report(Health)
  /// Probe it, then say what came of it.
  case probe
  /// It was probed not long ago.
  case wait(Duration)
}

extension DestinationPlan {
  /// How often a destination that is not Ready is looked at.
  package static let retryInterval: Duration = .seconds(10)

  package static func make(_ seen: DestinationObservation) -> DestinationPlan {
    let destination = seen.destination
    if destination.metadata.isDeleting {
      guard !seen.referrers.isEmpty else { return .release }
      let some = seen.referrers.prefix(3).joined(separator: ", ")
      let more = seen.referrers.count > 3 ? " and \(seen.referrers.count - 3) more" : ""
      return .hold(
        message: "deletion waits for \(some)\(more), which refer to it; delete these, or let them refer elsewhere")
    }
    guard destination.metadata.finalizers.contains(TidemarkGroup.finalizer) else { return .addFinalizer }
    let problems = destination.spec.problems()
    guard problems.isEmpty else {
      return .report(.stalled(reason: Reason.invalidSpec, message: problems.summary))
    }
    if destination.spec.suspend {
      return .report(
        .stalled(reason: Reason.suspended, message: "spec.suspend is true; set it to false to use it again"))
    }
    return due(seen)
  }

  private static func due(_ seen: DestinationObservation) -> DestinationPlan {
    let (spec, status) = (seen.destination.spec, seen.destination.status)
    guard let last = status?.lastValidated, status?.conditions?.isTrue(ConditionType.ready) == true,
      status?.observedGeneration == seen.destination.metadata.generation
    else { return .probe }
    let passed = Duration.seconds(seen.now.secondsSince1970 - last.secondsSince1970)
    let interval = spec.validationInterval.duration
    return passed >= interval || passed < .zero ? .probe : .wait(interval - passed)
  }
}
