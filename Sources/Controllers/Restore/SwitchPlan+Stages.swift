import KubeModel
import KubeRuntime
import Steps
import TidemarkAPI

/// A switch that is under way.
extension SwitchPlan {
  mutating func proceed(_ switching: SwitchStatus, _ database: Database) {
    next = .requeue(after: Self.pollInterval)
    status.phase = .switching
    guard let route = SwitchRoute(switching.direction, of: seen.restore, database) else {
      return settle(switching, failure: nil)
    }
    if switching.stage != .undoing, database.isLive(route.new) { return follow(switching, route, database) }
    if switching.stage == .undoing || !database.isLive(route.old) { return undo(switching, route, database) }
    switch switching.stage {
    case .closing: close(switching, route, database)
    case .waitingForLog: waitForLog(switching, route, database)
    case .moving, .following, .undoing: move(switching, route)
    }
  }

  // MARK: Closing

  private mutating func close(_ switching: SwitchStatus, _ route: SwitchRoute, _ database: Database) {
    if isReversed(switching) { return giveUp(switching, nil) }
    switch seen.old {
    case .notAsked: return
    case .unreachable where seen.restore.spec.whenUnreachable == .proceed: enter(.moving, switching, route)
    case .unreachable(let reason, let message):
      patiently(switching, waitingFor: "\(route.old.title) to answer", FailureStatus(code: reason, message: message))
    case .seen(let view): close(view, switching, route, database)
    }
  }

  private mutating func close(
    _ view: Fence.View, _ switching: SwitchStatus, _ route: SwitchRoute, _ database: Database
  ) {
    guard view.mayClose else {
      return giveUp(switching, FailureStatus(code: Reason.switchNotPermitted, message: "the role is no superuser"))
    }
    if let prepared = Self.refusal(ofPrepared: view) { return giveUp(switching, prepared) }
    if let end = view.endOfLog {
      var ended = switching
      ended.lastLSN = end
      return enter(database.archives ? .waitingForLog : .moving, ended, route)
    }
    if !view.openDatabases.isEmpty {
      // Said before it is done: they stay known whatever comes in between.
      status.closedDatabases = Set(status.closedDatabases ?? []).union(view.openDatabases).sorted()
      then.append(.close(view.openDatabases))
    }
    let isDrained = seen.now.isAfter(switching.startedAt, by: seen.restore.spec.drainTimeout.duration)
    then.append(.end(isDrained ? .all : .idle))
    let message = "\(route.old.title) is closed for clients; \(view.busyClients) transactions are waited for"
    patiently(switching, report: message, FailureStatus(code: Reason.switchFailed, message: "clients did not end"))
  }

  // MARK: The log

  private mutating func waitForLog(_ switching: SwitchStatus, _ route: SwitchRoute, _ database: Database) {
    if isReversed(switching) { return giveUp(switching, nil) }
    if case .seen(let view) = seen.old, !view.isQuiet {
      // Somebody opened it again: what they wrote belongs to the log.
      var again = switching
      (again.stage, again.lastLSN) = (.closing, nil)
      status.switching = again
      return report(.progressing(reason: Reason.switching, message: "\(route.old.title) was opened; closed once more"))
    }
    let end = switching.lastLSN ?? ""
    if database.isArchivingLive, database.status?.archiving?.holdsLog(upTo: end) == true {
      return enter(.moving, switching, route)
    }
    if case .unreachable = seen.old, seen.restore.spec.whenUnreachable == .proceed {
      return enter(.moving, switching, route)
    }
    patiently(
      switching, waitingFor: "the log up to \(end) to be stored",
      FailureStatus(code: Reason.switchFailed, message: "the log up to \(end) was not stored in time"))
  }

  // MARK: Moving

  private mutating func move(_ switching: SwitchStatus, _ route: SwitchRoute) {
    report(.progressing(reason: Reason.switching, message: "clients are being moved to \(route.new.title)"))
    if route.isInPlace {
      then = [.exchange, .move]
      return
    }
    switch seen.new {
    case .ready: then = (route.old.name == nil ? [] : [.stopOld]) + [.move]
    case .stopped: then = [.startNew]
    case .notAsked, .starting: break
    case .unusable(let why):
      giveUp(
        switching, FailureStatus(code: Reason.switchFailed, message: "\(route.new.title) can't be switched to: \(why)"))
    }
  }

  // MARK: After the move

  private mutating func follow(_ switching: SwitchStatus, _ route: SwitchRoute, _ database: Database) {
    var following = switching
    following.stage = .following
    status.switching = following
    if switching.stage != .following {
      // Said first, so that a crash can't take it for a switch that may still be given up.
      events.append(.normal("Switched", "\(route.new.title) is the live server of the Database"))
      next = .requeue(after: .zero)
      return report(.progressing(reason: Reason.switching, message: "clients were moved; the endpoint follows"))
    }
    if isOurs(database) { first = [.openNew] }
    let isTold = database.status?.endpoint == database.liveEndpoint
    let isArchived = !database.archives || database.isArchivingLive || isReversed(switching)
    guard isTold, isArchived else {
      let what = isTold ? "the archive" : "the Secret with the endpoint"
      return report(.progressing(reason: Reason.switching, message: "clients were moved; \(what) follows"))
    }
    if switching.direction == .toRestored, database.archives {
      first.append(.backUp(name: seen.restore.switchBackup(of: database)))
    }
    settle(switching, failure: nil)
  }

  // MARK: Giving up

  private func isReversed(_ switching: SwitchStatus) -> Bool {
    (switching.direction == .toRestored) != wantsRestored
      || (switching.direction == .toRestored && seen.restore.metadata.isDeleting)
  }

  /// Has the old server opened again, in the next look.
  private mutating func giveUp(_ switching: SwitchStatus, _ failure: FailureStatus?) {
    var undoing = switching
    undoing.stage = .undoing
    status.switching = undoing
    status.error = failure
    then = []
    next = .requeue(after: .zero)
    report(.progressing(reason: Reason.switching, message: "given up; the old server is opened again"))
  }

  private mutating func undo(_ switching: SwitchStatus, _ route: SwitchRoute, _ database: Database) {
    // Where somebody moved the Database elsewhere, this server is to stay as it is.
    if database.isLive(route.old), isOurs(database) { first.append(.openOld) }
    settle(switching, failure: status.error)
  }

  /// The end of a switch, in one way or the other.
  private mutating func settle(_ switching: SwitchStatus, failure: FailureStatus?) {
    first.append(.release)
    let isMoved = switching.stage == .following
    let isOnRestored = (switching.direction == .toRestored) == isMoved
    status.switching = nil
    status.phase = isOnRestored ? .completed : .readyToSwitch
    if isMoved {
      status.completedAt = status.completedAt ?? seen.now
      status.keepUntil = seen.restore.spec.keepPrevious.map { seen.now.after($0.duration) }
    }
    next = .requeue(after: .zero)
    if let failure {
      report(.stalled(reason: failure.code, message: Self.askAgain(failure.message)))
      events.append(.warning(failure.code, "the switch was undone: \(failure.message)"))
    } else if !isMoved {
      report(.progressing(reason: Reason.switching, message: "the switch was undone, as it is not asked for any more"))
      events.append(.normal("SwitchUndone", "clients are where they were"))
    } else {
      let reason = isOnRestored ? Reason.switched : Reason.switchedBack
      report(.ready(reason: reason, message: "clients were moved"))
      events.append(.normal(reason, isOnRestored ? "the switch is done" : "the switch back is done"))
    }
    if !isMoved, switching.direction == .toRestored, status.completedAt == nil { status.previousInstance = nil }
    if !isMoved { status.closedDatabases = nil }
  }

  // MARK: Pieces

  /// Whether the Database still carries this restore's mark: without it another switch may have begun.
  private func isOurs(_ database: Database) -> Bool { database.switchingRestore == seen.restore.metadata.uid }

  private mutating func enter(_ stage: SwitchStage, _ switching: SwitchStatus, _ route: SwitchRoute) {
    var entered = switching
    entered.stage = stage
    status.switching = entered
    next = .requeue(after: .zero)
    let what = stage == .moving ? "clients are being moved to \(route.new.title)" : "its log is being stored"
    report(.progressing(reason: Reason.switching, message: "\(route.old.title) takes no more writes; \(what)"))
  }

  private mutating func patiently(_ switching: SwitchStatus, waitingFor what: String, _ failure: FailureStatus) {
    patiently(switching, report: "waiting for \(what)", failure)
  }

  /// Waits, but not for ever: clients are kept out meanwhile.
  private mutating func patiently(_ switching: SwitchStatus, report message: String, _ failure: FailureStatus) {
    let bound = seen.restore.spec.drainTimeout.duration + Self.patience
    guard !seen.now.isAfter(switching.startedAt, by: bound) else { return giveUp(switching, failure) }
    report(.progressing(reason: Reason.switching, message: message))
  }
}

extension Timestamp {
  /// Whether this lies more than `duration` after `earlier`.
  fileprivate func isAfter(_ earlier: Timestamp, by duration: Duration) -> Bool {
    .seconds(secondsSince1970 - earlier.secondsSince1970) > duration
  }
}

extension RestoreRequest {
  /// The base backup with which the restored instance's own archive begins; the same name however often it is asked
  /// for.
  func switchBackup(of database: Database) -> String {
    "\(database.metadata.name ?? "")-switch-\((metadata.uid ?? "").prefix(8))"
  }
}
