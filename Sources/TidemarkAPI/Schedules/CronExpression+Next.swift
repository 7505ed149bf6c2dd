public import KubeModel

extension CronExpression {
  /// How many days ahead there must be one that fits: from one 29th of February to the next there are up to eight years.
  private static let horizon: Int64 = 8 * 366 + 1

  /// The first slot after `moment`, by the clock on the wall of a zone.
  ///
  /// A slot is a time on the wall, and its moment is the first at which the wall shows that time or has passed it. So,
  /// where clocks are put forward, what falls into the gap is due once, right behind it; and where they are put back,
  /// each time of the hour that comes twice is due once, the first time. That goes for `*/15 * * * *` as well, which then
  /// pauses for an hour.
  public func next(after moment: Timestamp, on wall: WallClock) -> Timestamp {
    let now = moment.secondsSince1970
    // All slots up to what the wall shows have had their moment.
    let shown = wall.time(at: now)
    let today = CivilTime.floorDivide(shown, 86_400)
    for day in today...(today + Self.horizon + 1) where fits(day: day) {
      for hour in hours {
        for minute in minutes {
          let time = day * 86_400 + Int64(hour * 3600 + minute * 60)
          guard time > shown else { continue }
          let due = wall.firstMoment(of: time)
          if due > now { return Timestamp(secondsSince1970: due) }
        }
      }
    }
    // An expression that fits no day is refused when it is read.
    preconditionFailure("no day within \(Self.horizon) days fits")
  }

  /// The last slot at or before `moment`, and after `bound`; nil where there is none.
  ///
  /// Takes a few dozen looks ahead, however far apart slots lie and however many there are.
  public func last(until moment: Timestamp, after bound: Timestamp, on wall: WallClock) -> Timestamp? {
    func isOneAfter(_ seconds: Int64) -> Bool { next(after: Timestamp(secondsSince1970: seconds), on: wall) <= moment }
    guard bound < moment, isOneAfter(bound.secondsSince1970) else { return nil }
    // The last second behind which there still is one: the slot follows it.
    var (low, high) = (bound.secondsSince1970, moment.secondsSince1970)
    var step: Int64 = 60
    // Most often it is near.
    while high - step > low {
      if isOneAfter(high - step) {
        low = high - step
        break
      }
      high -= step
      step *= 2
    }
    while high - low > 1 {
      let middle = low + (high - low) / 2
      if isOneAfter(middle) { low = middle } else { high = middle }
    }
    return next(after: Timestamp(secondsSince1970: low), on: wall)
  }
}
