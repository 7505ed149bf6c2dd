extension UnixTime {
  /// Year, month 1–12, day 1–31, and second of the day, in UTC. (Days to dates: H. Hinnant's `civil_from_days`.)
  private var civil: (year: Int64, month: Int64, day: Int64, second: Int64) {
    let days = (seconds >= 0 ? seconds : seconds - 86_399) / 86_400
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1, seconds - days * 86_400)
  }

  /// From a date and time of day in UTC.
  init(year: Int64, month: Int64, day: Int64, hour: Int64, minute: Int64, second: Int64, nanoseconds: Int32 = 0) {
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    let days = era * 146_097 + dayOfEra - 719_468
    self.init(seconds: days * 86_400 + hour * 3_600 + minute * 60 + second, nanoseconds: nanoseconds)
  }

  /// For example `20130524T000000Z`: the form that request signatures use.
  package var compact: String {
    let (year, month, day, second) = civil
    return digits(year, 4) + digits(month, 2) + digits(day, 2) + "T"
      + digits(second / 3_600, 2) + digits(second / 60 % 60, 2) + digits(second % 60, 2) + "Z"
  }

  /// Reads `2009-10-12T17:50:30.000Z`, as listings have it; nil for anything else.
  package init?(iso8601 text: some StringProtocol) {
    let fields = text.split { "-T:.Z".contains($0) }
    guard (6...7).contains(fields.count), text.hasSuffix("Z") else { return nil }
    let numbers = fields.prefix(6).compactMap { Int64($0) }
    guard numbers.count == 6 else { return nil }
    let fraction = fields.count == 7 ? String(fields[6].prefix(9)) : "0"
    let padded = fraction + String(repeating: "0", count: 9 - fraction.count)
    self.init(
      year: numbers[0], month: numbers[1], day: numbers[2], hour: numbers[3], minute: numbers[4], second: numbers[5],
      nanoseconds: Int32(padded) ?? 0)
  }

  /// Reads `Fri, 24 May 2013 00:00:00 GMT`, as HTTP headers have it; nil for anything else.
  package init?(httpDate text: some StringProtocol) {
    let fields = text.split { " ,:".contains($0) }
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    guard fields.count == 8, fields[7] == "GMT", let month = months.firstIndex(of: String(fields[2])),
      let day = Int64(fields[1]), let year = Int64(fields[3]), let hour = Int64(fields[4]),
      let minute = Int64(fields[5]), let second = Int64(fields[6])
    else { return nil }
    self.init(year: year, month: Int64(month) + 1, day: day, hour: hour, minute: minute, second: second)
  }
}

private func digits(_ value: Int64, _ width: Int) -> String {
  let text = String(value)
  return String(repeating: "0", count: max(0, width - text.count)) + text
}
