package import KubeModel
package import KubeRuntime
package import Steps
package import TidemarkAPI

/// What a reconcile of a restored instance sees of both servers.
package struct SwitchObservation: Sendable {
  /// What came of looking at the server that clients are on.
  package enum Old: Equatable, Sendable {
    case notAsked
    case seen(Fence.View)
    case unreachable(reason: String, message: String)
  }

  /// How the server is that clients are to be on.
  package enum New: Equatable, Sendable {
    case notAsked
    case ready
    /// It stands still, as a server does that a switch has left.
    case stopped
    case starting
    case unusable(String)
  }

  package var restore: RestoreRequest
  package var database: Database?
  /// The RestoreRequest that is moving the Database's clients now, where it is another one.
  package var rival: String?
  package var old: Old
  package var new: New
  package var now: Timestamp

  /// What was seen.
  package init(
    restore: RestoreRequest, database: Database?, rival: String? = nil, old: Old = .notAsked, new: New = .notAsked,
    now: Timestamp
  ) {
    (self.restore, self.database, self.rival) = (restore, database, rival)
    (self.old, self.new, self.now) = (old, new, now)
  }
}

/// Where clients are to be, and the next thing to do for that.
///
/// **Expected flow.** Closing (the old server takes no new clients, those that are there end) → waiting for its log to
/// be stored → moving (one write to the Database) → following (endpoint, archive and a base backup) → done.
///
/// **Guarantees.** The new server is not opened before the old one is closed and its log stored whole. Whatever fails
/// before the move opens the old server again, and what is asked for anew begins from the start. After the move there
/// is no way back but another switch. Every stage is written down before its action, and every action may be repeated:
/// a crash at any moment is gone on from.
package struct SwitchPlan: Sendable {
  /// One thing to do.
  package enum Action: Equatable, Sendable {
    /// Marks the Database as being switched by this restore; fails where another has.
    case claim
    case startNew
    case close([String])
    case end(Fence.Clients)
    /// Stops the old server, where Tidemark hosts it.
    case stopOld
    /// Stops both servers, and has their data directories change places.
    case exchange
    /// Makes the new server the Database's: the one write that is the switch.
    case move
    case openNew
    case openOld
    /// Removes an instance, unless it is the Database's live one.
    case retire(String)
    /// Creates a Backup of this name, unless there is one.
    case backUp(name: String)
    /// Takes the mark off the Database.
    case release
  }

  /// What has to be done before the status may say so.
  package var first: [Action] = []
  package var status: RestoreRequestStatus
  package var then: [Action] = []
  package var events: [PlannedEvent] = []
  package var next: ReconcileResult = .requeue(after: restInterval)

  /// How often a restore that waits for a person is looked at.
  package static let restInterval: Duration = .seconds(15)
  /// How often a switch is looked at.
  package static let pollInterval: Duration = .milliseconds(500)
  /// How long, beside the time that transactions have, the old server may take until its log is stored.
  package static let patience: Duration = .seconds(120)

  let seen: SwitchObservation

  package static func make(_ seen: SwitchObservation) -> SwitchPlan {
    var plan = SwitchPlan(status: seen.restore.status?.ownedByController ?? RestoreRequestStatus(), seen: seen)
    guard let database = seen.database else {
      plan.databaseGone()
      return plan
    }
    if let switching = plan.status.switching {
      plan.proceed(switching, database)
    } else {
      plan.rest(database)
    }
    return plan
  }

  /// Whether clients are to be on the restored instance.
  var wantsRestored: Bool { seen.restore.spec.wantsSwitch }

  // MARK: Between switches

  private mutating func rest(_ database: Database) {
    let isCompleted = status.phase == .completed
    switch (database.isOn(seen.restore), wantsRestored) {
    case (true, true):
      retire(database)
      complete()
    case (true, false): begin(.toPrevious, database)
    // Whoever moved the clients on since is not worked against.
    case (false, true) where isCompleted: superseded(database)
    case (false, true): begin(.toRestored, database)
    case (false, false) where isCompleted && !database.isOnPrevious(of: seen.restore): superseded(database)
    case (false, false):
      // What kept a switch from its end is of no matter once it is not asked for.
      status.error = nil
      retire(database)
      status.phase = .readyToSwitch
      report(readyToSwitch)
    }
  }

  private mutating func superseded(_ database: Database) {
    report(
      .ready(
        reason: Reason.superseded,
        message: "clients were moved on since, to \(database.liveInstance.title); switch that back first"))
  }

  private mutating func complete() {
    if status.phase != .completed { status.completedAt = seen.now }
    status.phase = .completed
    status.error = nil
    report(
      .ready(
        reason: Reason.switched,
        message: "clients are on \(status.instance?.title ?? "the restored instance"); the previous one \(fate), closed"
      ))
  }

  private var readyToSwitch: Health {
    let restored = status.instance?.title ?? "the restored instance"
    if status.completedAt != nil {
      return .ready(
        reason: Reason.switchedBack,
        message: "clients are on the previous server again; \(restored) \(fate)"
          + (status.removedInstance == nil ? ". Set spec.switchRequested to true to switch once more" : ""))
    }
    return .ready(
      reason: Reason.readyToSwitch,
      message: "\(restored) takes connections at \(status.instance?.endpoint?.description ?? ""), and nothing that ran "
        + "was touched; set spec.switchRequested to true to move clients to it")
  }

  private mutating func databaseGone() {
    status.switching = nil
    report(
      .stalled(
        reason: Reason.databaseNotFound,
        message: "Database \(status.database ?? "") is gone, and its instances with it; delete this RestoreRequest"))
  }

  // MARK: Beginning

  private mutating func begin(_ direction: SwitchDirection, _ database: Database) {
    guard let route = SwitchRoute(direction, of: seen.restore, database) else {
      return report(
        .stalled(reason: Reason.failed, message: "the server to switch to is not known; create another RestoreRequest"))
    }
    if let error = status.error, status.observedGeneration == seen.restore.metadata.generation {
      return report(.stalled(reason: error.code, message: Self.askAgain(error.message)))
    }
    status.error = nil
    if let health = obstacle(route, database) {
      next = .requeue(after: .seconds(3))
      return report(health)
    }
    if seen.new == .stopped, !route.isInPlace {
      then = [.startNew]
      next = .requeue(after: Self.pollInterval)
      return report(.progressing(reason: Reason.switching, message: "\(route.new.title) is started first"))
    }
    first = [.claim]
    status.phase = .switching
    if direction == .toRestored { status.previousInstance = route.old }
    status.switching = SwitchStatus(direction: direction, startedAt: seen.now)
    status.closedDatabases = nil
    report(.progressing(reason: Reason.switching, message: "\(route.old.title) is being closed for clients"))
    events.append(.normal("SwitchStarted", "clients are being moved from \(route.old.title) to \(route.new.title)"))
    next = .requeue(after: .zero)
  }

  /// Why a switch can't begin now; nothing has been touched.
  private func obstacle(_ route: SwitchRoute, _ database: Database) -> Health? {
    if database.metadata.isDeleting {
      return .stalled(reason: Reason.databaseNotFound, message: "the Database is being deleted")
    }
    if let rival = seen.rival {
      return .progressing(
        reason: Reason.waiting, message: "RestoreRequest \(rival) is moving the clients of the same Database first")
    }
    if let gone = obstacleOfRemoval(route) { return gone }
    if let health = obstacleOfOld(database) { return health }
    if route.isInPlace {
      guard route.old.name == nil || route.incarnations == nil else { return nil }
      return .stalled(
        reason: Reason.unsupported,
        message: "\(route.old.title) is not hosted by Tidemark, so its data can't be exchanged; make a RestoreRequest "
          + "with strategy SideBySide")
    }
    switch seen.new {
    case .ready, .stopped: return nil
    case .notAsked, .starting:
      return .progressing(reason: Reason.switching, message: "\(route.new.title) does not answer yet")
    case .unusable(let why):
      return .stalled(reason: Reason.switchFailed, message: "\(route.new.title) can't be switched to: \(why)")
    }
  }

  private func obstacleOfOld(_ database: Database) -> Health? {
    switch seen.old {
    case .notAsked: return .progressing(reason: Reason.switching, message: "the old server was not asked yet")
    case .unreachable where seen.restore.spec.whenUnreachable == .proceed: return nil
    case .unreachable(let reason, let message):
      return .progressing(
        reason: reason,
        message: "the server that clients are on can't be closed: \(message). Where it takes no writes any more, set "
          + "spec.whenUnreachable to Proceed")
    case .seen(let view):
      guard view.mayClose else {
        return .stalled(
          reason: Reason.switchNotPermitted,
          message: "the role is no superuser, so it can't close the server for clients; name a superuser's Secret in "
            + "spec.connection.adminSecretName of Database \(database.metadata.name ?? "")")
      }
      if let prepared = Self.refusal(ofPrepared: view) {
        return .progressing(reason: prepared.code, message: prepared.message)
      }
    }
    guard database.archives else { return nil }
    guard database.isArchivingLive, database.status?.conditions?.isTrue(ConditionType.archiving) == true else {
      let why = database.status?.conditions?[type: ConditionType.archiving]?.message ?? "the receiver has not begun"
      return .progressing(
        reason: Reason.waiting, message: "a switch needs the live server's log to be stored, and it is not: \(why)")
    }
    return nil
  }

  /// A prepared transaction belongs to somebody who would look for it on the new server.
  static func refusal(ofPrepared view: Fence.View) -> FailureStatus? {
    guard let first = view.preparedTransactions.first else { return nil }
    return FailureStatus(
      code: Reason.preparedTransactions,
      message: "the server holds \(view.preparedTransactions.count) prepared transactions, such as '\(first)', which a "
        + "switch would leave behind; end them by COMMIT PREPARED or ROLLBACK PREPARED")
  }

  static func askAgain(_ message: String) -> String {
    "\(message). To try once more, change spec.switchRequested and set it again"
  }

  mutating func report(_ health: Health) {
    status.observedGeneration = seen.restore.metadata.generation
    var conditions = status.conditions ?? []
    conditions.report(health, generation: seen.restore.metadata.generation, now: seen.now)
    status.conditions = conditions
  }
}

extension Database {
  /// Whether clients are on the server that `restore` took them from.
  func isOnPrevious(of restore: RestoreRequest) -> Bool {
    restore.status?.previousInstance.map { liveInstance.incarnation == $0.incarnation } ?? false
  }
}
