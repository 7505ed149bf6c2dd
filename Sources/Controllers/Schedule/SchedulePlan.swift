package import KubeModel
package import KubeRuntime
package import TidemarkAPI

/// What a reconcile of a BackupSchedule sees.
package struct ScheduleObservation: Sendable {
  package var schedule: BackupSchedule
  /// The Backups that it made.
  package var backups: [Backup]
  /// What retention asks for.
  package var retention: RetentionPlan
  package var now: Timestamp

  /// What was seen.
  package init(schedule: BackupSchedule, backups: [Backup], retention: RetentionPlan, now: Timestamp) {
    (self.schedule, self.backups, self.retention, self.now) = (schedule, backups, retention, now)
  }
}

/// What there is to do about a BackupSchedule: what to do, then what to say, then when to look again.
///
/// **Slots.** A run belongs to a slot, a time that the cron expression names. Slots up to `status.settledUntil` are done
/// with. Of those since, the last that is due is run, and with it the earlier ones are settled: after a downtime one run
/// makes up for all. A schedule that is changed, or no longer suspended, begins at that moment.
///
/// **Once.** The Backup's name follows from the slot, so a slot is run once, whatever is lost between the creation and
/// the status, and also when the clock is put back.
package struct SchedulePlan: Equatable, Sendable {
  /// One thing to do.
  package enum Action: Equatable, Sendable {
    /// Creates the Backup of this slot, unless there is one.
    case run(Timestamp)
    case delete(BackupIdentity)
  }

  package var actions: [Action] = []
  package var status: BackupScheduleStatus
  package var events: [PlannedEvent] = []
  package var next: ReconcileResult = .done

  /// How long at most it is until the schedule is looked at again: the clock may jump.
  package static let wakeInterval: Duration = .seconds(60)
  /// How late a run may be before that is told.
  package static let tolerance: Int64 = 60
  /// How many Backups of one schedule may wait or run at once, also where concurrencyPolicy is Allow.
  package static let activeBound = 10

  package static func make(_ seen: ScheduleObservation) -> SchedulePlan {
    var plan = SchedulePlan(status: seen.schedule.status ?? BackupScheduleStatus())
    guard !seen.schedule.metadata.isDeleting else { return plan }
    plan.keep(seen)
    return plan
  }

  private mutating func keep(_ seen: ScheduleObservation) {
    let spec = seen.schedule.spec
    status.observedGeneration = seen.schedule.metadata.generation
    look(at: seen.backups, now: seen.now)
    next = .requeue(after: Self.wakeInterval)
    let problems = spec.problems()
    guard problems.isEmpty, let slots = SlotClock(seen.schedule) else {
      status.nextRun = nil
      return report(.stalled(reason: Reason.invalidSpec, message: problems.summary), seen)
    }
    remove(seen)
    settleWhatIsNotCaughtUp(seen)
    guard !spec.suspend else {
      status.nextRun = nil
      return report(
        .stalled(reason: Reason.suspended, message: "spec.suspend is true; set it to false to start runs again"), seen)
    }
    let pending = run(slots, seen)
    plan(slots, pending, seen)
    report(
      .ready(reason: Reason.scheduled, message: "runs are due at '\(spec.schedule)' in \(spec.timeZone)"), seen)
  }

  // MARK: What was

  /// Takes from the Backups what the status tells of them. What a status that was lost told comes back so.
  private mutating func look(at backups: [Backup], now: Timestamp) {
    let ended = backups.filter { $0.status?.completedAt != nil }
    func newest(_ phase: BackupPhase) -> Timestamp? {
      ended.filter { $0.status?.phase == phase }.map(\.ended).max()
    }
    // What a clock that was ahead had run lies in the future: it is not the last run.
    status.lastRun = ([status.lastRun] + backups.map(\.slot)).compactMap { $0 }.filter { $0 <= now }.max()
    status.lastSuccess = [status.lastSuccess, newest(.completed)].compactMap { $0 }.max()
    status.lastFailure = [status.lastFailure, newest(.failed)].compactMap { $0 }.max()
    let active = backups.active.compactMap(\.metadata.name).sorted()
    status.active = active.isEmpty ? nil : active
  }

  private mutating func settleWhatIsNotCaughtUp(_ seen: ScheduleObservation) {
    let spec = seen.schedule.spec
    let timing = spec.suspend ? Reason.suspended : "\(spec.schedule) \(spec.timeZone)"
    let isChanged = status.timing.map { $0 != timing } ?? false
    let beginning = seen.schedule.metadata.creationTimestamp ?? seen.now
    let settled = isChanged ? seen.now : max(status.settledUntil ?? beginning, status.lastRun ?? beginning)
    // What a clock that was ahead had settled is not settled when it is put right.
    status.settledUntil = min(settled, seen.now)
    status.timing = timing
  }

  // MARK: Runs

  /// Runs the slot that is due, if one is. Returns one that has come and whose jitter has not passed yet.
  private mutating func run(_ slots: SlotClock, _ seen: ScheduleObservation) -> Timestamp? {
    let settled = status.settledUntil ?? seen.now
    guard var slot = slots.last(until: seen.now, after: settled) else { return nil }
    var pending: Timestamp?
    if slots.due(slot) > seen.now {
      pending = slot
      guard let earlier = slots.last(until: Timestamp(secondsSince1970: slot.secondsSince1970 - 1), after: settled)
      else { return pending }
      // An earlier one is due before the next slot comes.
      slot = earlier
    }
    status.settledUntil = slot
    let isThere = seen.backups.contains { $0.metadata.name == seen.schedule.backupName(for: slot) }
    if !isThere { begin(slot, late: seen.now.secondsSince1970 - slots.due(slot).secondsSince1970, seen) }
    return pending
  }

  private mutating func begin(_ slot: Timestamp, late: Int64, _ seen: ScheduleObservation) {
    let spec = seen.schedule.spec
    if let deadline = spec.startingDeadline, Double(late) > deadline.seconds {
      events.append(
        .warning(
          "DeadlineMissed",
          "the run of \(slot) was left out: it could start only \(GoDuration(seconds: late)) late, and "
            + "spec.startingDeadline allows \(deadline)"))
      return
    }
    let active = seen.backups.active
    if let first = active.first {
      let names = active.compactMap(\.metadata.name).sorted().joined(separator: ", ")
      switch spec.concurrencyPolicy {
      case .replace:
        actions += active.map { .delete(BackupIdentity($0)) }
        events.append(.normal("Replaced", "\(names) goes, for the run of \(slot) replaces it"))
      case .allow where active.count < Self.activeBound: break
      case .forbid, .allow:
        let name = first.metadata.name ?? ""
        events.append(
          .warning(
            "RunLeftOut",
            "the run of \(slot) was left out: \(names) has not ended; see kubectl describe backup \(name)"))
        return
      }
    }
    let name = seen.schedule.backupName(for: slot)
    actions.append(.run(slot))
    status.lastRun = max(status.lastRun ?? slot, slot)
    status.active = Set((spec.concurrencyPolicy == .replace ? [] : status.active ?? []) + [name]).sorted()
    events.append(
      late < Self.tolerance
        ? .normal("RunStarted", "Backup \(name) was created for the run of \(slot)")
        : .normal(
          "CaughtUp",
          "Backup \(name) was created for the run of \(slot), \(GoDuration(seconds: late)) late; it stands for all runs "
            + "that were missed before"))
  }

  private mutating func plan(_ slots: SlotClock, _ pending: Timestamp?, _ seen: ScheduleObservation) {
    let slot = pending ?? slots.next(after: seen.now)
    let due = slots.due(slot)
    status.nextRun = due
    let rest = Duration.seconds(max(1, due.secondsSince1970 - seen.now.secondsSince1970))
    next = .requeue(after: min(rest, Self.wakeInterval))
  }

  // MARK: Retention

  private mutating func remove(_ seen: ScheduleObservation) {
    for backup in seen.retention.removals {
      actions.append(.delete(backup))
      events.append(.normal("Removed", "Backup \(backup.key.name) goes, as spec.retention says"))
    }
    var conditions = status.conditions ?? []
    if let held = seen.retention.held {
      let before = conditions[type: ConditionType.retentionHeld]?.message
      conditions.set(
        ConditionType.retentionHeld, .true, reason: Reason.tooMany, message: held.message,
        observedGeneration: seen.schedule.metadata.generation, now: seen.now)
      if before != held.message { events.append(.warning(ConditionType.retentionHeld, held.message)) }
    } else {
      conditions.remove(type: ConditionType.retentionHeld)
    }
    status.conditions = conditions
  }

  private mutating func report(_ health: Health, _ seen: ScheduleObservation) {
    var conditions = status.conditions ?? []
    let before = conditions[type: ConditionType.ready]?.reason
    conditions.report(health, generation: seen.schedule.metadata.generation, now: seen.now)
    status.conditions = conditions
    guard let now = conditions[type: ConditionType.ready], now.reason != before else { return }
    events.append(now.status == .true ? .normal(now.reason, now.message) : .warning(now.reason, now.message))
  }
}

extension [Backup] {
  /// Those that wait or run.
  var active: [Backup] { filter { $0.status?.phase?.isFinal != true && !$0.metadata.isDeleting } }
}
