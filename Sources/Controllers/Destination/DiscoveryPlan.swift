package import KubeModel
package import KubeRuntime
package import Steps
package import TidemarkAPI

/// What a look at the content of a destination sees.
package struct DiscoveryObservation: Sendable {
  package var destination: BackupDestination
  /// The Backups of its namespace, whatever their destination.
  package var backups: [Backup]
  /// The run of its `discover` step.
  package var run: StepState
  package var now: Timestamp

  /// What was seen.
  package init(destination: BackupDestination, backups: [Backup], run: StepState, now: Timestamp) {
    (self.destination, self.backups, self.run, self.now) = (destination, backups, run, now)
  }
}

/// What there is to do about the content of a destination: how much it is, and what of it no Backup tells of.
///
/// The prefix is listed when the destination became Ready, and from then on every hour; where Backups have ended since,
/// already after `validationInterval`. So a bucket of millions of objects is listed rarely, and by a step.
package struct DiscoveryPlan: Equatable, Sendable {
  /// One thing to do.
  package enum Action: Equatable, Sendable {
    /// Starts the step, which need not read these snapshots, by target.
    case start(known: [String: [String]])
    /// Creates a Backup for a snapshot that was found, unless there is one of that name.
    case create(DiscoveredBackup, name: String, target: BackupTarget)
    /// Deletes a Backup that was made for a snapshot which is there no more. Its policy is Retain: nothing else goes.
    case remove(BackupIdentity)
  }

  /// What was counted.
  package struct Count: Equatable, Sendable {
    package var bytes: Int64
    /// When; nil where the prefix is to be listed again at once.
    package var at: Timestamp?

    /// The given count.
    package init(bytes: Int64, at: Timestamp?) { (self.bytes, self.at) = (bytes, at) }
  }

  /// What has to be done before the status may say so.
  package var actions: [Action] = []
  /// What the status is to say after the actions.
  package var count: Count?
  /// Whether the ended run is cleared away, after all else.
  package var discardsRun = false
  package var events: [PlannedEvent] = []
  package var next: ReconcileResult = .done

  /// How often a prefix is listed in which nothing is known to have changed.
  package static let interval: Duration = .seconds(3600)
  /// How soon after a failure it is listed again.
  package static let retryInterval: Duration = .seconds(60)
  /// How old a snapshot must be that does not say for which Backup it was taken: a step may be about to name it.
  package static let settledAfter: Duration = .seconds(15 * 60)

  package static func make(_ seen: DiscoveryObservation) -> DiscoveryPlan {
    var plan = DiscoveryPlan()
    let destination = seen.destination
    guard !destination.metadata.isDeleting, !destination.spec.suspend,
      destination.status?.conditions?.isTrue(ConditionType.ready) == true,
      destination.status?.observedGeneration == destination.metadata.generation
    else { return plan }
    switch seen.run {
    case .absent: plan.begin(seen)
    case .running, .waiting: plan.next = .requeue(after: BackupPlan.pollInterval)
    case .ended(.done(.discovered(let product))): plan.take(product, seen)
    case .ended(.done):
      plan.fail(FailureStatus(code: Reason.failed, message: "the step ended with another product"))
    case .ended(.failed(let failure)), .ended(.tryAgain(let failure)): plan.fail(failure)
    case .lost(let lastWords):
      plan.fail(FailureStatus(code: "StepLost", message: "the step was killed or crashed; it last said: \(lastWords)"))
    }
    return plan
  }

  private mutating func begin(_ seen: DiscoveryObservation) {
    let rest = Self.rest(seen)
    guard rest <= .zero else {
      next = .requeue(after: rest)
      return
    }
    var known: [String: [String]] = [:]
    for backup in seen.backups {
      guard let target = backup.subject.target.discoveryName else { continue }
      known[target, default: []] += backup.namedSnapshots
    }
    known = known.filter { !$0.value.isEmpty }
    actions = [.start(known: known.mapValues { $0.sorted() })]
    next = .requeue(after: BackupPlan.pollInterval)
  }

  /// How long it is until the prefix is to be listed.
  private static func rest(_ seen: DiscoveryObservation) -> Duration {
    guard let last = seen.destination.status?.lastDiscovery else { return .zero }
    let passed = Duration.seconds(seen.now.secondsSince1970 - last.secondsSince1970)
    // A clock that was set back must not put it off for long.
    guard passed >= .zero else { return .zero }
    let pause = seen.destination.spec.validationInterval.duration
    let hasChanged = seen.backups.contains {
      guard $0.subject.destinationName == seen.destination.metadata.name, let ended = $0.status?.completedAt
      else { return false }
      return ended > last
    }
    return (hasChanged ? pause : max(pause, interval)) - passed
  }

  private mutating func fail(_ failure: FailureStatus) {
    events.append(.warning(failure.code, "what lies below the prefix could not be listed: \(failure.message)"))
    discardsRun = true
    next = .requeue(after: Self.retryInterval)
  }

  // MARK: What was found

  private mutating func take(_ product: DiscoveryProduct, _ seen: DiscoveryObservation) {
    discardsRun = true
    for database in product.databases { take(database, seen) }
    if !product.otherNamespaces.isEmpty {
      events.append(
        .normal(
          "OtherNamespaces",
          "there are also backups of namespace \(product.otherNamespaces.joined(separator: ", ")); to see them, create "
            + "a BackupDestination with the same bucket, prefix and password in a namespace of that name"))
    }
    // Where a run could not tell of all, the next follows at once, unless it would tell of the same again.
    let goesOn = product.isCut && actions.contains { if case .create = $0 { true } else { false } }
    count = Count(bytes: product.storedBytes, at: goesOn ? nil : seen.now)
    next = .requeue(after: goesOn ? BackupPlan.pollInterval : seen.destination.spec.validationInterval.duration)
  }

  private mutating func take(_ database: DiscoveredDatabase, _ seen: DiscoveryObservation) {
    guard let target = BackupTarget(identity: database.name) else { return }
    if let failure = database.failure {
      events.append(
        .warning(failure.code, "the repository of \(target.text) can't be read: \(failure.message)"))
    }
    for backup in seen.backups {
      guard case .found(let found) = backup.discovery, database.missing.contains(found.snapshot),
        backup.spec.destinationName == seen.destination.metadata.name, !backup.metadata.isDeleting
      else { continue }
      actions.append(.remove(BackupIdentity(backup)))
      events.append(
        .normal(
          "SnapshotGone",
          "Backup \(backup.metadata.name ?? "") is removed: snapshot \(found.snapshot.prefix(8)) is not there any more")
      )
    }
    let news = database.backups.filter { Self.isNews($0, seen) }
    for found in news {
      actions.append(.create(found, name: Self.name(found, target, seen), target: target))
    }
    guard !news.isEmpty else { return }
    events.append(
      .normal(
        BackupOrigin.discovered,
        "\(news.count) backups of \(target.text) were found, and are shown as Backups; once \(target.text) exists here, "
          + (target.database == nil ? "" : "a PITRClone or ") + "a RestoreRequest can go back to them"))
  }

  /// Whether no Backup tells of it, and none is about to.
  private static func isNews(_ found: DiscoveredBackup, _ seen: DiscoveryObservation) -> Bool {
    if seen.backups.contains(where: { $0.namedSnapshot == found.snapshot }) { return false }
    guard let uid = found.backup else {
      return .seconds(seen.now.secondsSince1970 - found.completedAt.secondsSince1970) >= settledAfter
    }
    return !seen.backups.contains { $0.metadata.uid == uid }
  }

  /// The same name for the same snapshot: the target's, and as many of its first digits as tell it from others.
  private static func name(_ found: DiscoveredBackup, _ target: BackupTarget, _ seen: DiscoveryObservation) -> String {
    let stem = (target.database ?? target.bucket ?? target.application?.name ?? "").prefix(253 - 1 - 64)
    let names = [8, 16, 64].map { "\(stem)-\(found.snapshot.prefix($0))" }
    return names.first { name in !seen.backups.contains { $0.metadata.name == name } } ?? names[2]
  }
}

extension Backup {
  /// All snapshots that it tells of.
  var namedSnapshots: [String] {
    if case .found(let found) = discovery { return found.snapshots?.map(\.snapshot) ?? [found.snapshot] }
    return status?.snapshots?.map(\.snapshot) ?? [status?.snapshot].compactMap { $0 }
  }

  /// The snapshot that it tells of, by its status or because it was found.
  var namedSnapshot: String? {
    if case .found(let found) = discovery { return found.snapshot }
    return status?.snapshot
  }
}
