import Controllers
import KubeModel
import Testing
import TidemarkAPI

@Suite("What retention removes")
struct RetentionPlanTests {
  /// Hourly runs, the first at hour 0.
  private static func moment(_ hour: Int) -> Timestamp {
    Timestamp(secondsSince1970: 1_767_225_600 + Int64(hour) * 3600)
  }

  private static func schedule(_ change: (inout RetentionPolicy) -> Void) -> BackupSchedule {
    PlanValues.schedule { schedule in
      var policy = RetentionPolicy()
      change(&policy)
      schedule.spec.retention = policy
    }
  }

  private static func window(_ gaps: [RecoveryGapStatus] = []) -> Database {
    PlanValues.database {
      var status = DatabaseStatus()
      status.recoveryWindow = RecoveryWindowStatus(gaps: gaps)
      $0.status = status
    }
  }

  /// The hours of the runs that go.
  private static func removed(
    _ schedule: BackupSchedule, _ backups: [Backup], others: [Backup] = [], database: Database? = window()
  ) -> [Int] {
    let plan = Self.plan(schedule, backups, others: others, database: database)
    return backups.enumerated().filter { plan.removals.contains(BackupIdentity($0.element)) }.map(\.offset)
  }

  private static func plan(
    _ schedule: BackupSchedule, _ backups: [Backup], others: [Backup] = [], database: Database? = window()
  ) -> RetentionPlan {
    RetentionPlan.make(
      RetentionObservation(
        schedule: schedule, backups: backups, siblings: backups + others, database: database, now: moment(1000)))
  }

  private static func runs(_ schedule: BackupSchedule, _ count: Int) -> [Backup] {
    (0..<count).map { PlanValues.run(of: schedule, at: moment($0)) }
  }

  /// One of last year, which a yearly rule keeps, and so many hourly ones.
  private static func withOneOfLastYear(_ schedule: BackupSchedule, _ count: Int) -> [Backup] {
    [PlanValues.run(of: schedule, at: moment(-100))] + runs(schedule, count)
  }

  @Test("what no rule keeps goes; without rules everything stays")
  func policy() {
    let last = Self.schedule { $0.count = 3 }
    #expect(Self.removed(last, Self.runs(last, 5)) == [0, 1])
    #expect(Self.removed(PlanValues.schedule(), Self.runs(last, 5)) == [])
    let none = Self.schedule { ($0.count, $0.daily) = (0, 0) }
    #expect(Self.removed(none, Self.runs(none, 5)) == [])
  }

  @Test("a run that was asked for in the schedule's name counts as one of its slots does; one made by hand does not")
  func askedFor() {
    let last = Self.schedule { $0.count = 2 }
    let asked = PlanValues.run(of: last, at: Self.moment(1)) {
      $0.metadata.annotations = [:]
      $0.metadata.name = "nightly-asked"
      $0.metadata.uid = "uid-of-asked"
    }
    #expect(last.made(asked) && asked.slot == nil)
    let runs = [PlanValues.run(of: last, at: Self.moment(0)), asked, PlanValues.run(of: last, at: Self.moment(2))]
    #expect(Self.removed(last, runs) == [0])
    #expect(Self.removed(last, runs + [PlanValues.run(of: last, at: Self.moment(3))]) == [0, 1])
    var byHand = asked
    byHand.metadata.labels[TidemarkLabel.origin] = nil
    #expect(!last.made(byHand))
  }

  @Test("the newest Completed Backup never goes, whatever the rules say")
  func newest() {
    let schedule = Self.schedule { $0.within = GoDuration(seconds: 1) }
    var runs = Self.runs(schedule, 2)
    // Its slot lies before the other's, and it ended after: a clock that was set back.
    runs[0].status?.completedAt = Self.moment(50)
    #expect(Self.removed(schedule, runs) == [])
  }

  @Test("hours and days are those of the schedule's time zone")
  func zone() {
    var schedule = Self.schedule { $0.daily = 5 }
    // 2026-01-01T00:00:00Z is evening in New York.
    let runs = [0, 6, 20, 30].map { PlanValues.run(of: schedule, at: Self.moment($0)) }
    #expect(Self.removed(schedule, runs) == [0, 1])
    schedule.spec.timeZone = "America/New_York"
    #expect(Self.removed(schedule, runs) == [1])
  }

  @Test("the first base backup behind a gap stays while one before the gap does")
  func gap() {
    let schedule = Self.schedule { ($0.count, $0.yearly) = (3, 5) }
    let runs = Self.withOneOfLastYear(schedule, 7)
    #expect(Self.removed(schedule, runs) == [1, 2, 3, 4])
    let gap = RecoveryGapStatus(
      from: MicroTime(Self.moment(2)), to: runs[3].status?.postgres?.stopTime, reason: "WALRemoved")
    #expect(Self.removed(schedule, runs, database: Self.window([gap])) == [1, 2, 4])
    // Where nothing before the gap stays, nothing behind it but the kept ones is needed.
    let few = Self.schedule { $0.count = 4 }
    #expect(Self.removed(few, runs, database: Self.window([gap])) == [0, 1, 2, 3])
  }

  @Test("of each incarnation, from the oldest kept base backup on, the first one stays")
  func incarnations() {
    let schedule = Self.schedule { ($0.count, $0.yearly) = (3, 5) }
    var runs = Self.withOneOfLastYear(schedule, 7)
    for index in 3..<8 { runs[index].status?.postgres?.incarnation = "restore-1" }
    #expect(Self.removed(schedule, runs) == [1, 2, 4])
  }

  @Test("while a gap is open, nothing that was taken since it began goes")
  func openGap() {
    let schedule = Self.schedule { ($0.count, $0.yearly) = (3, 5) }
    let runs = Self.withOneOfLastYear(schedule, 7)
    let gap = RecoveryGapStatus(from: MicroTime(Self.moment(1)), to: nil, reason: "SlotMissing")
    #expect(Self.removed(schedule, runs, database: Self.window([gap])) == [1])
  }

  @Test("a Backup that somebody else made begins the kept part of the window, and is not removed")
  func others() {
    let schedule = Self.schedule { $0.count = 4 }
    let runs = Self.runs(schedule, 8)
    let old = PlanValues.run(of: schedule, at: Self.moment(-10)) { $0.metadata.uid = "by-hand" }
    let gap = RecoveryGapStatus(
      from: MicroTime(Self.moment(-5)), to: runs[0].status?.postgres?.stopTime, reason: "WALRemoved")
    #expect(Self.removed(schedule, runs, database: Self.window([gap])) == [0, 1, 2, 3])
    #expect(Self.removed(schedule, runs, others: [old], database: Self.window([gap])) == [1, 2, 3])
  }

  @Test("nothing goes while the Database is not there, or the window of one that is archived is not known")
  func unknown() {
    let schedule = Self.schedule { $0.count = 3 }
    let runs = Self.runs(schedule, 5)
    #expect(Self.removed(schedule, runs, database: nil) == [])
    #expect(Self.removed(schedule, runs, database: PlanValues.database()) == [])
    #expect(Self.removed(schedule, runs, database: PlanValues.database { $0.spec.pitr = nil }) == [0, 1])
    #expect(
      Self.removed(schedule, runs, database: PlanValues.database { $0.spec.pitr?.destinationName = "other" }) == [0, 1])
  }

  @Test("a Backup that a RestoreRequest is about to read stays until it was read")
  func inUse() {
    let schedule = Self.schedule { $0.count = 3 }
    let runs = Self.runs(schedule, 5)
    var seen = RetentionObservation(
      schedule: schedule, backups: runs, siblings: runs, database: Self.window(), now: Self.moment(1000))
    #expect(RetentionPlan.make(seen).removals == runs[0..<2].map { BackupIdentity($0) })
    seen.inUse = [runs[0].metadata.name ?? ""]
    #expect(RetentionPlan.make(seen).removals == [BackupIdentity(runs[1])])
  }

  @Test("what was made for another target or destination, or is at work, is left alone")
  func leftAlone() {
    let schedule = Self.schedule { $0.count = 1 }
    var runs = Self.runs(schedule, 4)
    runs[0].status?.begunWith?.destinationName = "other"
    runs[1].status?.begunWith?.target = BackupTarget(database: "other")
    runs[2] = PlanValues.run(of: schedule, at: Self.moment(2), .running)
    #expect(Self.removed(schedule, runs) == [])
  }

  @Test("more than half of the backups, and three at least, do not go before a person has let them")
  func held() throws {
    let schedule = Self.schedule { $0.count = 4 }
    #expect(Self.plan(schedule, Self.runs(schedule, 8)).held == nil)
    let runs = Self.runs(schedule, 9)
    let plan = Self.plan(schedule, runs)
    let held = try #require(plan.held)
    #expect(plan.removals.isEmpty && held.value.hasPrefix("5-"))
    #expect(held.message.contains("5 of 9") && held.message.contains("approve-retention=\(held.value)"))
    let few = Self.schedule { $0.count = 1 }
    #expect(Self.removed(few, Self.runs(few, 3)) == [0, 1])
  }

  @Test("what a person let go goes, the oldest last; the word is good for that once, also when more came since")
  func approved() throws {
    var schedule = Self.schedule { $0.count = 2 }
    let runs = Self.runs(schedule, 9)
    let held = try #require(Self.plan(schedule, runs).held)
    schedule.metadata.annotations[TidemarkAnnotation.approveRetention] = held.value
    let plan = Self.plan(schedule, runs)
    #expect(plan.held == nil && plan.removals == runs[0..<7].reversed().map { BackupIdentity($0) })
    // A crash on the way leaves it valid for the rest.
    #expect(Self.plan(schedule, Array(runs[0..<3] + runs[7...])).removals.count == 3)
    // One more came: seven of eight go, the eighth with the next run.
    #expect(Self.removed(schedule, Self.runs(schedule, 10)) == Array(0..<7))
    // Used up: another oldest is another removal.
    #expect(Self.plan(schedule, Array(Self.runs(schedule, 30)[9...])).held != nil)
    // Another policy is another removal.
    schedule.spec.retention?.count = 1
    #expect(Self.plan(schedule, runs).held != nil)
    for nonsense in ["yes", "0-\(held.value.dropFirst(2))", "7-"] {
      schedule.spec.retention?.count = 2
      schedule.metadata.annotations[TidemarkAnnotation.approveRetention] = nonsense
      #expect(Self.plan(schedule, runs).removals.isEmpty)
    }
  }

  @Test("of Failed Backups the newest three stay, and no rule counts them")
  func failed() {
    let schedule = Self.schedule { $0.count = 2 }
    let failed = (0..<5).map { PlanValues.run(of: schedule, at: Self.moment($0), .failed) }
    let good = (5..<7).map { PlanValues.run(of: schedule, at: Self.moment($0)) }
    #expect(Self.removed(schedule, failed + good) == [0, 1])
  }
}
