/// One of the five fields of a cron expression: its range, and the names that it knows.
struct CronField: Sendable {
  /// What a person calls it.
  let name: String
  let range: ClosedRange<Int>
  /// Three-letter names; the first stands for the range's lower bound.
  let names: [String]
  /// Whether `?` may stand for `*`.
  let takesQuestionMark: Bool

  static let minute = CronField(name: "minute", range: 0...59, names: [], takesQuestionMark: false)
  static let hour = CronField(name: "hour", range: 0...23, names: [], takesQuestionMark: false)
  static let dayOfMonth = CronField(name: "day of month", range: 1...31, names: [], takesQuestionMark: true)
  static let month = CronField(
    name: "month", range: 1...12,
    names: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    takesQuestionMark: false)
  /// 7 is Sunday as well, and is folded into 0.
  static let dayOfWeek = CronField(
    name: "day of week", range: 0...7, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    takesQuestionMark: true)

  /// The values that a field's text names.
  struct Values: Sendable, Hashable {
    /// Bit n stands for value n.
    var bits: UInt64 = 0
    /// Whether the field restricts nothing: `*` or `?`. `*/2` and `1-31` do, as with Kubernetes' CronJob.
    var isAny = false

    func contains(_ value: Int) -> Bool { bits & (1 << UInt64(value)) != 0 }

    /// The values, rising.
    var sorted: [Int] { (0..<64).filter { contains($0) } }
  }

  /// Reads a field: a list of `*`, values, ranges, each with an optional `/step`.
  func read(_ text: some StringProtocol) throws(CronProblem) -> Values {
    var values = Values()
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let (bounds, step, isAny) = try readPart(String(part))
      for value in stride(from: bounds.lowerBound, through: bounds.upperBound, by: step) {
        values.bits |= 1 << UInt64(value)
      }
      values.isAny = values.isAny || isAny
    }
    if range.upperBound == 7, values.contains(7) { values.bits = (values.bits | 1) & 0x7f }
    return values
  }

  private func readPart(_ part: String) throws(CronProblem) -> (ClosedRange<Int>, step: Int, isAny: Bool) {
    let pieces = part.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let base = String(pieces[0])
    var step = 1
    if pieces.count == 2 {
      guard let number = Self.number(pieces[1]), (1...range.upperBound).contains(number) else {
        throw CronProblem("step '\(pieces[1])' of the \(name) is none; expected 1 to \(range.upperBound)")
      }
      step = number
    }
    if base == "*" || (base == "?" && takesQuestionMark) {
      // Sunday has two numbers, and a step must not see it twice.
      let all = range.lowerBound...(range.upperBound == 7 ? 6 : range.upperBound)
      return (all, step, step == 1)
    }
    let ends = base.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    let first = try value(String(ends[0]))
    guard ends.count == 2 else {
      // `5/15` means from 5 on.
      return (
        first...(pieces.count == 2 ? max(first, range.upperBound == 7 ? 6 : range.upperBound) : first), step, false
      )
    }
    var last = try value(String(ends[1]))
    // `sat-sun`
    if range.upperBound == 7, last == 0, first > 0 { last = 7 }
    guard first <= last else {
      throw CronProblem(
        "range '\(base)' of the \(name) runs backwards; write it as two: "
          + "\(ends[0])-\(range.upperBound),\(range.lowerBound)-\(ends[1])")
    }
    return (first...last, step, false)
  }

  private func value(_ text: String) throws(CronProblem) -> Int {
    if let number = Self.number(text), range.contains(number) { return number }
    if let place = names.firstIndex(of: text.lowercased()) { return place + range.lowerBound }
    let orName = names.isEmpty ? "" : ", or \(names[0]) to \(names[names.count - 1])"
    throw CronProblem(
      text.isEmpty
        ? "the \(name) has an empty part; expected a value, a range, or *"
        : "'\(text)' is no \(name); expected \(range.lowerBound) to \(range.upperBound)\(orName)")
  }

  /// A number of plain digits: no sign, no more than any field takes.
  private static func number(_ text: some StringProtocol) -> Int? {
    guard (1...3).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int(text)
  }
}

/// What is wrong with a cron expression, and what would be right.
public struct CronProblem: Error, Sendable, Hashable, CustomStringConvertible {
  /// A sentence for people.
  public let description: String

  init(_ description: String) { self.description = description }
}
