import Controllers
import KubeModel
import KubeRuntime
import Testing
import TidemarkAPI

@Suite("The plan of a BackupSchedule")
struct SchedulePlanTests {
  /// 2026-01-01T00:00:00Z, when the schedules of these tests were made.
  private static let start: Int64 = 1_767_225_600

  private static func moment(_ seconds: Int64) -> Timestamp { Timestamp(secondsSince1970: start + seconds) }

  private static func schedule(
    _ text: String = "0 * * * *", _ change: (inout BackupSchedule) -> Void = { _ in }
  ) -> BackupSchedule {
    PlanValues.schedule(text) {
      $0.metadata.creationTimestamp = moment(0)
      change(&$0)
    }
  }

  private static func plan(
    _ schedule: BackupSchedule = schedule(), _ backups: [Backup] = [], at seconds: Int64,
    retention: (removals: [BackupIdentity], held: RetentionPlan.Held?) = ([], nil)
  ) -> SchedulePlan {
    var plan = RetentionPlan.make(
      RetentionObservation(schedule: schedule, backups: [], siblings: [], database: nil, now: moment(seconds)))
    (plan.removals, plan.held) = retention
    return SchedulePlan.make(
      ScheduleObservation(schedule: schedule, backups: backups, retention: plan, now: moment(seconds)))
  }

  private static func run(_ schedule: BackupSchedule, _ seconds: Int64, _ phase: BackupPhase? = .completed) -> Backup {
    PlanValues.run(of: schedule, at: moment(seconds), phase)
  }

  @Test("a schedule waits for its next slot, and looks at the clock in between")
  func waits() {
    let plan = Self.plan(at: 600)
    #expect(plan.actions.isEmpty && plan.status.nextRun == Self.moment(3600))
    #expect(plan.status.conditions?.isTrue(ConditionType.ready) == true)
    #expect(plan.next == .requeue(after: SchedulePlan.wakeInterval))
    #expect(Self.plan(at: 3590).next == .requeue(after: .seconds(10)))
  }

  @Test("a slot that has come is run, and the status says so")
  func runs() {
    let plan = Self.plan(at: 3600)
    #expect(plan.actions == [.run(Self.moment(3600))])
    #expect(plan.status.lastRun == Self.moment(3600) && plan.status.settledUntil == Self.moment(3600))
    #expect(plan.status.active == ["nightly-202601010100"] && plan.status.nextRun == Self.moment(7200))
    #expect(plan.events.map(\.reason).contains("RunStarted"))
  }

  @Test("after a downtime one run makes up for all that were missed")
  func catchesUp() {
    let plan = Self.plan(at: 10 * 3600 + 1800)
    #expect(plan.actions == [.run(Self.moment(10 * 3600))])
    #expect(plan.events.contains { $0.reason == "CaughtUp" && $0.message.contains("30m late") })
    var schedule = Self.schedule()
    schedule.status = plan.status
    #expect(Self.plan(schedule, at: 10 * 3600 + 1860).actions.isEmpty)
  }

  @Test("a run that could start only after startingDeadline is left out, and told")
  func deadline() {
    let schedule = Self.schedule { $0.spec.startingDeadline = GoDuration(seconds: 600) }
    #expect(Self.plan(schedule, at: 3600 + 600).actions == [.run(Self.moment(3600))])
    let late = Self.plan(schedule, at: 3600 + 601)
    #expect(late.actions.isEmpty && late.status.settledUntil == Self.moment(3600) && late.status.lastRun == nil)
    #expect(late.events.contains { $0.reason == "DeadlineMissed" && $0.type == .warning })
  }

  @Test("a run is due after its jitter, which is the same each time, and before the next slot")
  func jitter() throws {
    let schedule = Self.schedule { $0.spec.jitter = GoDuration(seconds: 7200) }
    let due = try #require(Self.plan(schedule, at: 3500).status.nextRun)
    #expect(due >= Self.moment(3600) && due < Self.moment(7200))
    let rest = due.secondsSince1970 - Self.start
    #expect(Self.plan(schedule, at: rest - 1).actions.isEmpty)
    #expect(Self.plan(schedule, at: rest - 1).status.nextRun == due)
    #expect(Self.plan(schedule, at: rest).actions == [.run(Self.moment(3600))])
    let other = Self.schedule {
      $0.spec.jitter = GoDuration(seconds: 7200)
      $0.metadata.uid = "another"
    }
    #expect(Self.plan(other, at: 3500).status.nextRun != due)
  }

  @Test("a slot whose Backup is there already is not run again, whatever the status has lost")
  func once() {
    let schedule = Self.schedule()
    let plan = Self.plan(schedule, [Self.run(schedule, 3600)], at: 3700)
    #expect(plan.actions.isEmpty && plan.status.lastRun == Self.moment(3600))
    #expect(plan.status.lastSuccess == Self.moment(3660) && plan.status.active == nil)
  }

  @Test("Forbid leaves a run out while another is at work, and does not make up for it")
  func forbids() {
    var schedule = Self.schedule()
    let working = Self.run(schedule, 3600, .running)
    let plan = Self.plan(schedule, [working], at: 7200)
    #expect(plan.actions.isEmpty && plan.status.settledUntil == Self.moment(7200))
    #expect(plan.status.active == [working.metadata.name ?? ""] && plan.status.lastRun == Self.moment(3600))
    #expect(plan.events.contains { $0.reason == "RunLeftOut" && $0.message.contains("nightly-202601010100") })
    schedule.status = plan.status
    #expect(Self.plan(schedule, [Self.run(schedule, 3600)], at: 7500).actions.isEmpty)
  }

  @Test("Replace deletes the one at work and runs; Allow runs beside it, up to a bound")
  func replacesAndAllows() {
    let replace = Self.schedule { $0.spec.concurrencyPolicy = .replace }
    let working = Self.run(replace, 3600, .running)
    let replaced = Self.plan(replace, [working], at: 7200)
    #expect(replaced.actions == [.delete(BackupIdentity(working)), .run(Self.moment(7200))])
    #expect(replaced.status.active == ["nightly-202601010200"])

    let allow = Self.schedule { $0.spec.concurrencyPolicy = .allow }
    #expect(Self.plan(allow, [working], at: 7200).actions == [.run(Self.moment(7200))])
    #expect(Self.plan(allow, [working], at: 7200).status.active?.count == 2)
    let many = (1...Int64(SchedulePlan.activeBound)).map { Self.run(allow, $0 * 3600, nil) }
    let full = Self.plan(allow, many, at: 50 * 3600)
    #expect(full.actions.isEmpty && full.events.contains { $0.reason == "RunLeftOut" })
  }

  @Test("a suspended schedule runs nothing, and begins anew when it no longer is")
  func suspends() {
    var schedule = Self.schedule { $0.spec.suspend = true }
    let suspended = Self.plan(schedule, at: 5 * 3600)
    #expect(suspended.actions.isEmpty && suspended.status.nextRun == nil)
    #expect(suspended.status.conditions.readyReason == Reason.suspended)
    schedule.status = suspended.status
    schedule.spec.suspend = false
    let resumed = Self.plan(schedule, at: 9 * 3600 + 60)
    #expect(resumed.actions.isEmpty && resumed.status.nextRun == Self.moment(10 * 3600))
  }

  @Test("a schedule that is changed does not make up for slots that it would have had")
  func changed() {
    var schedule = Self.schedule("0 2 * * *")
    schedule.status = Self.plan(schedule, at: 60).status
    schedule.spec.schedule = "0 8 * * *"
    let plan = Self.plan(schedule, at: 12 * 3600)
    #expect(plan.actions.isEmpty && plan.status.nextRun == Self.moment(32 * 3600))
  }

  @Test("a spec that can't be carried out is Stalled, and nothing is run or removed")
  func invalid() {
    let table: [(String, (inout BackupSchedule) -> Void)] = [
      (Reason.invalidSpec, { $0.spec.schedule = "61 * * * *" }),
      (Reason.invalidSpec, { $0.spec.timeZone = "Nowhere" }),
    ]
    for (reason, change) in table {
      let plan = Self.plan(Self.schedule("0 * * * *", change), at: 3600)
      #expect(plan.status.conditions.readyReason == reason && plan.status.nextRun == nil)
      #expect(!plan.actions.contains { if case .run = $0 { true } else { false } })
      #expect(plan.events.map(\.type) == [.warning])
    }
  }

  @Test("what retention removes is deleted; what it holds stands in a condition and in one event")
  func retention() {
    let gone = BackupIdentity(Self.run(Self.schedule(), 3600))
    #expect(Self.plan(at: 60, retention: ([gone], nil)).actions == [.delete(gone)])
    let held = RetentionPlan.Held(value: "5-abc", message: "retention would remove 5 of 9")
    var schedule = Self.schedule()
    let plan = Self.plan(schedule, at: 60, retention: ([], held))
    #expect(plan.status.conditions?.isTrue(ConditionType.retentionHeld) == true)
    #expect(plan.status.conditions?.isTrue(ConditionType.ready) == true)
    #expect(plan.events.contains { $0.reason == ConditionType.retentionHeld && $0.message == held.message })
    schedule.status = plan.status
    #expect(Self.plan(schedule, at: 120, retention: ([], held)).events.isEmpty)
    #expect(Self.plan(schedule, at: 180).status.conditions?[type: ConditionType.retentionHeld] == nil)
  }

  @Test("a schedule that is being deleted leaves everything as it is")
  func deleted() {
    let plan = Self.plan(Self.schedule { $0.metadata.beginDeletion() }, at: 3600)
    #expect(plan.actions.isEmpty && plan.events.isEmpty && plan.next == .done)
  }

  // MARK: Over days, by a clock that is turned by hand

  /// A controller and its schedule: reconciled when the plan asks for it, as long as it is up.
  private struct World {
    var schedule: BackupSchedule
    var backups: [Backup] = []
    /// What the wall shows, in seconds after the start.
    var now: Int64 = 0
    /// When slots were begun, by slot.
    var begun: [(slot: Int64, at: Int64)] = []

    /// Lets time pass; each Backup takes ten minutes.
    mutating func pass(_ seconds: Int64) {
      let end = now + seconds
      while now < end {
        let next = reconcile()
        now = min(end, now + next)
      }
    }

    /// Reconciles, and gives how long it is until that is to be done again.
    mutating func reconcile() -> Int64 {
      for index in backups.indices where backups[index].status == nil {
        guard let created = backups[index].metadata.creationTimestamp,
          abs(SchedulePlanTests.moment(now).secondsSince1970 - created.secondsSince1970) >= 600
        else { continue }
        var status = BackupStatus()
        (status.phase, status.completedAt) = (.completed, moment(now))
        backups[index].status = status
      }
      let plan = SchedulePlanTests.plan(schedule, backups, at: now)
      for case .run(let slot) in plan.actions {
        guard !backups.contains(where: { $0.slot == slot }) else { continue }
        backups.append(PlanValues.run(of: schedule, at: slot, nil) { $0.metadata.creationTimestamp = moment(now) })
        begun.append((slot.secondsSince1970 - start, now))
      }
      schedule.status = plan.status
      guard case .requeue(let after) = plan.next else { return 60 }
      return after.components.seconds
    }
  }

  @Test("over days each slot is run once, within a second of its time")
  func steady() {
    var world = World(schedule: Self.schedule("*/30 * * * *"))
    world.pass(3 * 86_400)
    #expect(world.begun.map(\.slot) == (1..<144).map { Int64($0) * 1800 })
    #expect(world.begun.allSatisfy { $0.at - $0.slot <= 1 })
  }

  @Test("with jitter each slot is run once, at the time that its hash says")
  func steadyWithJitter() {
    var world = World(schedule: Self.schedule("0 * * * *") { $0.spec.jitter = GoDuration(seconds: 1200) })
    world.pass(3 * 86_400)
    #expect(world.begun.map(\.slot) == (1..<72).map { Int64($0) * 3600 })
    #expect(world.begun.allSatisfy { (0...1200).contains($0.at - $0.slot) })
    #expect(Set(world.begun.map { $0.at - $0.slot }).count > 50)
  }

  @Test("a controller that is away runs one slot when it is back, and goes on")
  func downtime() {
    var world = World(schedule: Self.schedule())
    world.pass(2 * 3600 + 10)
    world.now = 9 * 3600 + 1234
    world.pass(2 * 3600)
    #expect(world.begun.map(\.slot) == [1, 2, 9, 10, 11].map { $0 * 3600 })
  }

  @Test("a clock that jumps ahead runs one slot, and one that is put right again runs none twice and goes on")
  func jumps() {
    var world = World(schedule: Self.schedule())
    world.pass(3 * 3600 + 10)
    world.now += 365 * 86_400
    world.pass(3600)
    world.now -= 365 * 86_400
    world.pass(3 * 3600)
    let slots = world.begun.map(\.slot)
    #expect(Set(slots).count == slots.count)
    // 1 to 3, two a year ahead, and then those that follow in truth.
    #expect(slots.filter { $0 < 86_400 } == [1, 2, 3, 5, 6, 7].map { $0 * 3600 })
    // Some minutes back: the slot that was run comes again, and is known.
    world.now -= 600
    world.pass(2 * 3600)
    #expect(Set(world.begun.map(\.slot)).count == world.begun.count)
    #expect(world.begun.map(\.slot).last == Int64(8 * 3600))
  }

  @Test("a status that is lost costs no run and brings no second one")
  func lostStatus() {
    var world = World(schedule: Self.schedule())
    for _ in 0..<40 {
      world.pass(700)
      world.schedule.status = nil
    }
    #expect(world.begun.map(\.slot) == (1...7).map { Int64($0) * 3600 })
  }

  @Test("across both changes of the clocks a nightly run comes once a night")
  func changesOfTheClocks() {
    for (from, name) in [("2026-03-27T12:00:00Z", "spring"), ("2026-10-23T12:00:00Z", "autumn")] {
      let origin = (Timestamp(from)?.secondsSince1970 ?? 0) - Self.start
      var world = World(
        schedule: Self.schedule("30 2 * * *") {
          $0.spec.timeZone = "Europe/Berlin"
          $0.metadata.creationTimestamp = Self.moment(origin)
        })
      world.now = origin
      world.pass(4 * 86_400)
      #expect(world.begun.count == 4, "\(name): \(world.begun)")
    }
  }
}
