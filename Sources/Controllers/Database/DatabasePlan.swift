package import KubeModel
package import KubeRuntime
package import Steps
package import TidemarkAPI

/// What a reconcile of a Database sees.
package struct DatabaseObservation: Sendable {
  /// What came of asking the server.
  package enum Server: Equatable, Sendable {
    /// It was not asked: the spec can't be carried out, or the Database is being deleted.
    case notAsked
    case found(ServerProbe.Findings)
    case failed(reason: String, message: String)
    case secretMissing(String)
  }

  /// The run of `wal-receive`.
  package enum Receiver: Equatable, Sendable {
    case absent
    /// At work with the input that the spec asks for now.
    case current
    /// At work with an older input, or with secrets that were changed since.
    case outdated
    /// As the spec asks for now, and its platform can't start it, or starts it again, by itself.
    case hindered(FailureStatus)
    /// It was told to stop and did; its traces are still there.
    case stopped
    /// It ended; a receiver never does so by itself unless something is wrong.
    case ended(FailureStatus)
  }

  package var database: Database
  package var destination: BackupDestination?
  /// The Backups of this Database.
  package var backups: [Backup]
  package var server: Server
  package var receiver: Receiver
  /// The instance that Tidemark hosts for it; nil where it hosts none.
  package var instance: InstanceState?
  /// What keeps clients from following a switch, each with what to do.
  package var unpublished: [String]
  package var now: Timestamp

  /// What was seen.
  package init(
    database: Database, destination: BackupDestination?, backups: [Backup], server: Server, receiver: Receiver,
    instance: InstanceState?, unpublished: [String] = [], now: Timestamp
  ) {
    self.database = database
    self.destination = destination
    self.backups = backups
    self.server = server
    self.receiver = receiver
    self.instance = instance
    self.unpublished = unpublished
    self.now = now
  }
}

/// What there is to do about a Database.
package struct DatabasePlan: Equatable, Sendable {
  /// One thing to do.
  package enum Action: Equatable, Sendable {
    case addFinalizer
    case startInstance
    /// Ends an older run of the receiver, if there is one, and starts it as the spec asks now.
    case startReceiver
    case stopReceiver
    /// Drops the replication slot, so that the server keeps no log for an archive that has ended.
    case dropSlot
    /// Drops the slot at the server of the spec, which a switch left.
    case dropOriginalSlot
    /// Removes the live instance and those that switches have left.
    case removeInstances
    case removeFinalizer
    /// Creates a Backup of this name, unless there is one.
    case backUp(name: String, origin: String)
  }

  package var status: DatabaseStatus
  package var actions: [Action] = []
  package var events: [PlannedEvent] = []
  package var next: ReconcileResult = .requeue(after: steadyInterval)

  /// How often a Database that is well is looked at.
  package static let steadyInterval: Duration = .seconds(30)
  /// How many base backups are tried to end a gap before a person has to look.
  package static let gapAttempts = 5
  /// How often one that is not is looked at.
  package static let retryInterval: Duration = .seconds(5)

  package static func make(_ seen: DatabaseObservation) -> DatabasePlan {
    var plan = DatabasePlan(status: seen.database.status?.ownedByController ?? DatabaseStatus())
    if seen.database.metadata.isDeleting {
      plan.delete(seen)
    } else if !seen.database.metadata.finalizers.contains(TidemarkGroup.finalizer) {
      plan.actions = [.addFinalizer]
      plan.next = .done
    } else {
      plan.keep(seen)
    }
    return plan
  }

  private mutating func keep(_ seen: DatabaseObservation) {
    let database = seen.database
    status.observedGeneration = database.metadata.generation
    status.lastBackup = seen.backups.newestCompleted?.metadata.name
    status.endpoint = database.liveEndpoint
    var health = connection(seen)
    if case .ready = health, database.archives { health = archive(seen) ?? health }
    if !database.archives { turnOffArchiving(seen) }
    keepInstance(seen)
    if case .ready(let reason, let message) = health, !seen.unpublished.isEmpty {
      health = .ready(reason: reason, message: ([message] + seen.unpublished).joined(separator: "; "))
      noteUnpublished(seen)
    }
    report(health, seen)
    if case .ready = health { return }
    next = .requeue(after: Self.retryInterval)
  }

  private mutating func noteUnpublished(_ seen: DatabaseObservation) {
    let known = seen.database.status?.conditions?[type: ConditionType.ready]?.message ?? ""
    for note in seen.unpublished where !known.contains(note) { events.append(.warning("NotPublished", note)) }
  }

  private mutating func keepInstance(_ seen: DatabaseObservation) {
    // While a switch is under way, it is the RestoreRequest that stops and starts.
    guard seen.database.switchingRestore == nil else { return }
    switch seen.instance {
    case .stopped?: actions.append(.startInstance)
    case .failed(let lastWords)?:
      // As a StatefulSet would: what ended by itself is started again, also after the machine was.
      actions.append(.startInstance)
      events.append(
        .warning("InstanceRestarted", "the instance had ended and is started again; it last said: \(lastWords)"))
    default: break
    }
  }

  /// Whether the server is there and is the one that was archived.
  private mutating func connection(_ seen: DatabaseObservation) -> Health {
    let problems = seen.database.spec.problems()
    guard problems.isEmpty else { return .stalled(reason: Reason.invalidSpec, message: problems.summary) }
    switch seen.server {
    case .notAsked: return .progressing(reason: Reason.connectionFailed, message: "the server was not asked yet")
    case .secretMissing(let message): return .progressing(reason: Reason.secretMissing, message: message)
    case .failed(_, let message) where seen.database.switchingRestore != nil:
      return .progressing(reason: Reason.switching, message: "clients are being moved: \(message)")
    case .failed(let reason, let message): return .progressing(reason: reason, message: message)
    case .found(let findings):
      // An instance of ours is what a clone or a switch put there, whatever it was before.
      if seen.instance == nil, let known = seen.database.originalSystemIdentifier, known != findings.systemIdentifier {
        return .stalled(
          reason: Reason.systemIdentifierChanged,
          message: "the server has system identifier \(findings.systemIdentifier), and what was archived so far has "
            + "\(known): it is another cluster; point spec.connection to the old one, or make a new Database for it")
      }
      status.serverVersion = findings.version
      noteSystem(findings.systemIdentifier, seen)
      return .ready(reason: Reason.connected, message: "PostgreSQL \(findings.version) answers")
    }
  }

  /// Remembers which system the server of the spec is, for the way back to it.
  private mutating func noteSystem(_ found: String, _ seen: DatabaseObservation) {
    let original = seen.database.originalSystemIdentifier
    let isElsewhere = seen.instance != nil && seen.database.hasOriginalServer && original != found
    status.originalSystemIdentifier = isElsewhere ? original : nil
    status.systemIdentifier = found
  }

  /// Keeps the receiver at work; nil when it is.
  private mutating func archive(_ seen: DatabaseObservation) -> Health? {
    let name = seen.database.spec.pitr?.destinationName ?? ""
    guard let destination = seen.destination else {
      return .progressing(
        reason: Reason.destinationNotFound, message: "BackupDestination \(name) is not there; create it")
    }
    closeGap(seen)
    switch seen.receiver {
    case .current: return nil
    case .absent, .stopped, .outdated:
      guard destination.status?.conditions?.isTrue(ConditionType.ready) == true else {
        let why = destination.status?.conditions?[type: ConditionType.ready]?.message ?? "it was not validated yet"
        return .progressing(
          reason: Reason.destinationNotReady, message: "BackupDestination \(name) is not Ready: \(why)")
      }
      actions.append(.startReceiver)
      if seen.receiver == .outdated {
        events.append(.normal("ArchivingRestarted", "the receiver begins again with the changed settings"))
      }
      return .progressing(reason: Reason.running, message: "the receiver of the write-ahead log is being started")
    case .hindered(let failure):
      noteReceiver(failure, seen)
      return .progressing(reason: failure.code, message: failure.message)
    case .ended(let failure):
      actions.append(.startReceiver)
      noteReceiver(failure, seen)
      return .progressing(reason: failure.code, message: failure.message)
    }
  }

  private mutating func noteReceiver(_ failure: FailureStatus, _ seen: DatabaseObservation) {
    guard seen.database.status?.conditions?[type: ConditionType.ready]?.message != failure.message else { return }
    events.append(.warning(failure.code, failure.message))
  }

  /// A gap ends with a base backup behind it: the controller takes one by itself, once a gap.
  private mutating func closeGap(_ seen: DatabaseObservation) {
    guard let gap = seen.database.status?.recoveryWindow?.gaps?.last(where: { $0.to == nil }) else { return }
    let first = "\(seen.database.metadata.name ?? "")-gap-\(gap.from.microsecondsSince1970)"
    let failures = seen.backups.count {
      $0.metadata.name?.hasPrefix(first) == true && $0.status?.phase == .failed
    }
    guard failures < Self.gapAttempts else { return }
    let name = failures == 0 ? first : "\(first)-\(failures + 1)"
    guard !seen.backups.contains(where: { $0.metadata.name == name }) else { return }
    actions.append(.backUp(name: name, origin: "Gap"))
    events.append(
      .warning(
        Reason.walGap, "log after \(gap.from) is lost (\(gap.reason)); a new base backup, \(name), ends the gap"))
  }

  private mutating func turnOffArchiving(_ seen: DatabaseObservation) {
    if seen.receiver != .absent { actions += [.stopReceiver, .dropSlot] }
    var conditions = status.conditions ?? []
    conditions.set(
      ConditionType.archiving, .false, reason: Reason.disabled,
      message: "spec.pitr is off; set spec.pitr.enabled and spec.pitr.destinationName for point-in-time recovery",
      observedGeneration: seen.database.metadata.generation, now: seen.now)
    status.conditions = conditions
  }

  private mutating func delete(_ seen: DatabaseObservation) {
    guard seen.database.metadata.finalizers.contains(TidemarkGroup.finalizer) else {
      next = .done
      return
    }
    if seen.receiver != .absent { actions.append(.stopReceiver) }
    let database = seen.database
    actions.append(.removeInstances)
    if database.hostedInstance == nil {
      if database.archives { actions.append(.dropSlot) }
    } else if database.hasOriginalServer {
      if database.spec.pitr != nil { actions.append(.dropOriginalSlot) }
      events.append(
        .warning(
          "OriginalServerLeft",
          "the server of spec.connection stays as the switch left it; open a database that the switch has closed by "
            + "ALTER DATABASE … ALLOW_CONNECTIONS true"))
    }
    actions.append(.removeFinalizer)
    next = .done
  }

  private mutating func report(_ health: Health, _ seen: DatabaseObservation) {
    var conditions = status.conditions ?? []
    let before = conditions[type: ConditionType.ready]?.reason
    conditions.report(health, generation: seen.database.metadata.generation, now: seen.now)
    if seen.database.archives { conditions.remove(type: ConditionType.archiving) }
    status.conditions = conditions
    guard let now = conditions[type: ConditionType.ready], now.reason != before, now.reason != Reason.running else {
      return
    }
    events.append(now.status == .true ? .normal(now.reason, now.message) : .warning(now.reason, now.message))
  }
}

extension Database {
  /// Whether its write-ahead log is to be archived.
  var archives: Bool { spec.pitr?.enabled == true }

  /// The instance that Tidemark hosts for it; nil where it hosts none.
  var hostedInstance: InstanceID? {
    metadata.annotations[TidemarkAnnotation.instance].map {
      InstanceID(namespace: metadata.namespace ?? "", name: $0)
    }
  }

  /// Whether the live instance stands in the place of another server, the one of `spec.connection`. With a clone's
  /// Database the spec itself names the instance.
  var hasOriginalServer: Bool {
    metadata.annotations[TidemarkAnnotation.endpoint] != nil && metadata.labels[TidemarkLabel.clone] == nil
  }

  var receiverID: StepID {
    StepID(namespace: metadata.namespace ?? "", name: "wal-receive-\(metadata.uid ?? "")")
  }
}

extension [Backup] {
  /// The newest of those that Completed.
  var newestCompleted: Backup? {
    filter { $0.status?.phase == .completed }
      .max { ($0.status?.completedAt?.secondsSince1970 ?? 0) < ($1.status?.completedAt?.secondsSince1970 ?? 0) }
  }
}

extension DatabaseStatus {
  /// Without what the receiver writes: each field has one manager.
  var ownedByController: DatabaseStatus {
    var status = self
    status.conditions = conditions?.filter { $0.type != ConditionType.archiving || $0.reason == Reason.disabled }
    status.activeIncarnation = nil
    status.incarnations = nil
    status.recoveryWindow = nil
    status.archiving = nil
    return status
  }
}
