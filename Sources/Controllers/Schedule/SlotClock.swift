import KubeModel
import TidemarkAPI

/// The slots of a schedule, and when their runs are due.
struct SlotClock {
  private let expression: CronExpression
  private let wall: WallClock
  private let uid: String
  /// In seconds.
  private let jitter: Int64

  /// The slots of `schedule`; nil where its spec has problems.
  init?(_ schedule: BackupSchedule) {
    guard let expression = try? CronExpression(schedule.spec.schedule),
      let wall = WallClock(named: schedule.spec.timeZone)
    else { return nil }
    (self.expression, self.wall, uid) = (expression, wall, schedule.metadata.uid ?? "")
    jitter = Int64(schedule.spec.jitter?.seconds ?? 0)
  }

  func next(after moment: Timestamp) -> Timestamp { expression.next(after: moment, on: wall) }

  func last(until moment: Timestamp, after bound: Timestamp) -> Timestamp? {
    expression.last(until: moment, after: bound, on: wall)
  }

  /// When the run of a slot is due: always before the next slot, however large the jitter.
  func due(_ slot: Timestamp) -> Timestamp {
    let room = min(jitter, next(after: slot).secondsSince1970 - slot.secondsSince1970)
    return Timestamp(secondsSince1970: slot.secondsSince1970 + SlotJitter.delay(of: slot, for: uid, below: room))
  }
}
