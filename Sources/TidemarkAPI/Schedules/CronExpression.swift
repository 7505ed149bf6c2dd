import KubeModel

/// When a schedule's runs are due, as cron says it: five fields, or a word that stands for them.
///
/// | field | values |
/// |---|---|
/// | minute | 0-59 |
/// | hour | 0-23 |
/// | day of month | 1-31, `?` |
/// | month | 1-12, jan-dec |
/// | day of week | 0-7 (0 and 7 are Sunday), sun-sat, `?` |
///
/// Each is a list of values, ranges (`9-17`), `*`, and steps of these (`*/15`, `8-18/2`, `5/20`: from 5 on). Where both
/// day of month and day of week are restricted, a day that fits one of them will do. `*`, `?` and `*/1` restrict
/// nothing; everything else does, also `1-31` and `*/2`: so has Kubernetes' CronJob it (`robfig/cron`).
///
/// The words are `@yearly` or `@annually`, `@monthly`, `@weekly` (Sunday), `@daily` or `@midnight`, `@hourly`.
public struct CronExpression: Sendable, Hashable {
  let minutes: [Int]
  let hours: [Int]
  let daysOfMonth: CronField.Values
  let months: CronField.Values
  let daysOfWeek: CronField.Values

  private static let words = [
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
  ]

  /// Reads an expression. The error says what would be right, also where the date that is named never comes.
  public init(_ text: String) throws(CronProblem) {
    var fields = text.split(whereSeparator: \.isWhitespace).map(String.init)
    if let word = fields.first, word.hasPrefix("@") {
      guard fields.count == 1, let meaning = Self.words[word.lowercased()] else {
        throw CronProblem(
          "'\(text)' is no schedule; expected @hourly, @daily, @weekly, @monthly, @yearly, or five fields")
      }
      fields = meaning.split(separator: " ").map(String.init)
    }
    guard fields.count == 5 else {
      throw CronProblem(
        "'\(text)' has \(fields.count) fields; expected five: minute, hour, day of month, month, day of week, such as "
          + "'30 2 * * *'")
    }
    minutes = try CronField.minute.read(fields[0]).sorted
    hours = try CronField.hour.read(fields[1]).sorted
    daysOfMonth = try CronField.dayOfMonth.read(fields[2])
    months = try CronField.month.read(fields[3])
    daysOfWeek = try CronField.dayOfWeek.read(fields[4])
    guard hasDay else {
      throw CronProblem(
        "day of month '\(fields[2])' never comes in month '\(fields[3])'; choose a day that one of these months has")
    }
  }

  /// Whether any year has a day that fits.
  private var hasDay: Bool {
    // A restricted day of week fits some day of every month.
    if !daysOfWeek.isAny || daysOfMonth.isAny { return true }
    return months.sorted.contains { month in
      daysOfMonth.sorted.contains { $0 <= CivilTime.daysIn(month: Int64(month), year: 2000) }
    }
  }

  /// Whether a run is due on this day, counted from 1970-01-01.
  func fits(day: Int64) -> Bool {
    let date = CivilTime.date(days: day)
    guard months.contains(Int(date.month)) else { return false }
    // 1970-01-01 was a Thursday.
    let weekday = Int(((day + 4) % 7 + 7) % 7)
    let (fitsMonth, fitsWeek) = (daysOfMonth.contains(Int(date.day)), daysOfWeek.contains(weekday))
    return switch (daysOfMonth.isAny, daysOfWeek.isAny) {
    case (true, true): true
    case (false, true): fitsMonth
    case (true, false): fitsWeek
    case (false, false): fitsMonth || fitsWeek
    }
  }
}
