import KubeModel
import TidemarkAPI

/// What clients have left is kept for a time, and then removed.
extension SwitchPlan {
  /// Removes the instance that the last switch took clients from, when its time is over.
  mutating func retire(_ database: Database) {
    guard let until = status.keepUntil, seen.now >= until, status.removedInstance == nil, seen.rival == nil,
      !database.metadata.isDeleting, let name = leftInstance(of: database), name != database.liveInstance.name
    else { return }
    first = [.retire(name)]
    status.removedInstance = name
    events.append(.normal("InstanceRemoved", "instance \(name), which clients have left, was kept until \(until)"))
  }

  /// Why clients can't be moved to an instance that was removed; nil while it is there.
  func obstacleOfRemoval(_ route: SwitchRoute) -> Health? {
    guard let gone = status.removedInstance, gone == route.kept else { return nil }
    return .stalled(
      reason: Reason.switchFailed,
      message: "instance \(gone) was removed when its time was over; create another RestoreRequest")
  }

  /// What becomes, or became, of the instance that clients have left.
  var fate: String {
    if status.removedInstance != nil { return "was removed when its time was over" }
    return status.keepUntil.map { "is kept until \($0)" } ?? "is kept"
  }

  private func leftInstance(of database: Database) -> String? {
    guard status.completedAt != nil else { return nil }
    return SwitchRoute(database.isOn(seen.restore) ? .toPrevious : .toRestored, of: seen.restore, database)?.kept
  }
}

extension SwitchRoute {
  /// The instance where the data lie that the route leads to; nil where Tidemark does not host it.
  var kept: String? { isInPlace ? aside : new.name }
}

extension Timestamp {
  /// This moment and `duration` more, in whole seconds.
  func after(_ duration: Duration) -> Timestamp {
    Timestamp(secondsSince1970: secondsSince1970 + duration.components.seconds)
  }
}
