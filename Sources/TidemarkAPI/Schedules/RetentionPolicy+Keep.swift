public import KubeModel

extension RetentionPolicy {
  /// What the policy keeps of backups that were taken at `moments`: for each, whether it stays.
  ///
  /// As restic 0.14's `forget` (`internal/restic/snapshot_policy.go`, `ApplyPolicy`): the newest one of each hour, day,
  /// ISO week, month and year counts, until so many of them were met; `within` is measured from the newest that does not
  /// lie after `now`, and keeps what is less than that much older. What one rule keeps stays. Hours and days are those of
  /// `wall`. A policy without rules keeps all.
  ///
  /// Later versions of restic also keep the oldest of all for a rule that has not met its number.
  public func keeps(_ moments: [Timestamp], on wall: WallClock, now: Timestamp) -> [Bool] {
    var rules = [
      Rule(count) { Int64($0.place) }, Rule(hourly) { $0.hour }, Rule(daily) { $0.day }, Rule(weekly) { $0.week },
      Rule(monthly) { $0.month }, Rule(yearly) { $0.year },
    ].compactMap { $0 }
    var kept = [Bool](repeating: rules.isEmpty && within == nil, count: moments.count)
    let newest = moments.filter { $0 <= now }.max()
    // The newest first; of the same moment the one that was named first.
    let order = moments.indices.sorted { (moments[$1], $0) < (moments[$0], $1) }
    for (place, index) in order.enumerated() {
      let moment = moments[index]
      if let within, let newest {
        let age = GoDuration(seconds: newest.secondsSince1970 - moment.secondsSince1970)
        kept[index] = kept[index] || age < within
      }
      let bucket = Bucket(hour: wall.hour(at: moment), place: place)
      for rule in rules.indices {
        kept[index] = rules[rule].takes(bucket) || kept[index]
      }
    }
    return kept
  }

  /// What a backup counts as for each rule.
  private struct Bucket {
    /// Of the wall's clock, counted from 1970-01-01T00:00:00.
    let hour: Int64
    /// How many backups are newer.
    let place: Int

    var day: Int64 { CivilTime.floorDivide(hour, 24) }
    /// Weeks from Monday to Sunday, as ISO's; 1970-01-01 was a Thursday.
    var week: Int64 { CivilTime.floorDivide(day + 3, 7) }
    var month: Int64 {
      let date = CivilTime.date(days: day)
      return date.year * 12 + date.month
    }
    var year: Int64 { CivilTime.date(days: day).year }
  }

  private struct Rule {
    private var left: Int
    private var last: Int64?
    private let value: (Bucket) -> Int64

    /// A rule that keeps `count`; nil where there is none.
    init?(_ count: Int?, _ value: @escaping (Bucket) -> Int64) {
      guard let count, count > 0 else { return nil }
      left = count
      self.value = value
    }

    mutating func takes(_ bucket: Bucket) -> Bool {
      let value = value(bucket)
      guard left > 0, value != last else { return false }
      (last, left) = (value, left - 1)
      return true
    }
  }
}
