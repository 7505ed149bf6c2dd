import Foundation
import KubeModel
import TestSupport
import Testing
import TidemarkAPI

@Suite("When a schedule's runs are due")
struct CronExpressionTests {
  private struct Case: Decodable {
    var text: String
    var zone: String
    var start: Int64
    var next: [Int64]
  }

  /// What croniter and zoneinfo say, by `Tests/Scripts/cron_cases.py`.
  private static func cases(_ count: Int, seed: Int) async throws -> [Case] {
    let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let script = tests.deletingLastPathComponent().appending(path: "Scripts/cron_cases.py").path()
    let output = try await RunningProgram.run("python3", [script, "\(count)", "\(seed)"], within: .seconds(120)).output
    return try output.split(separator: "\n").map { try JSONDecoder().decode(Case.self, from: Data($0.utf8)) }
  }

  @Test("thousands of random expressions in many zones, also around changes of the clocks, agree with croniter")
  func agreesWithCroniter() async throws {
    for seed in 1...3 {
      let cases = try await Self.cases(2000, seed: seed)
      #expect(cases.count == 2000)
      for test in cases {
        let expression = try CronExpression(test.text)
        let wall = try #require(WallClock(named: test.zone))
        var moment = Timestamp(secondsSince1970: test.start)
        for expected in test.next {
          moment = expression.next(after: moment, on: wall)
          #expect(moment.secondsSince1970 == expected, "'\(test.text)' in \(test.zone) after \(test.start)")
        }
        // Backwards: each is the last one until the moment before the next.
        for (slot, later) in zip(test.next, test.next.dropFirst()) {
          let last = expression.last(
            until: Timestamp(secondsSince1970: later - 1), after: Timestamp(secondsSince1970: test.start), on: wall)
          #expect(last?.secondsSince1970 == slot, "'\(test.text)' in \(test.zone) before \(later)")
        }
      }
    }
  }

  private static func slots(_ text: String, _ zone: String, from: String, _ count: Int) throws -> [String] {
    let expression = try CronExpression(text)
    let wall = try #require(WallClock(named: zone))
    var moment = try #require(Timestamp(from))
    return (0..<count).map { _ in
      moment = expression.next(after: moment, on: wall)
      return moment.description
    }
  }

  @Test("a run that falls into the gap of a change of the clocks runs once, right after it")
  func gap() throws {
    // Berlin's clocks went from 02:00 to 03:00 at 01:00 UTC.
    let table: [(String, [String])] = [
      ("30 2 * * *", ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]),
      ("*/20 2 29 3 *", ["2026-03-29T01:00:00Z", "2027-03-29T00:00:00Z"]),
      ("0 2,3 29 3 *", ["2026-03-29T01:00:00Z", "2027-03-29T00:00:00Z"]),
    ]
    for (text, expected) in table {
      #expect(try Self.slots(text, "Europe/Berlin", from: "2026-03-27T12:00:00Z", expected.count) == expected)
    }
    // Half an hour at Lord Howe; a whole day in Samoa, which went to the other side of the date line.
    #expect(
      try Self.slots("15 2 * * *", "Australia/Lord_Howe", from: "2026-10-03T00:00:00Z", 1) == ["2026-10-03T15:30:00Z"])
    #expect(
      try Self.slots("0 12 * * *", "Pacific/Apia", from: "2011-12-29T23:00:00Z", 2)
        == ["2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z"])
  }

  @Test("a run that falls into the overlap of a change of the clocks runs once, the first time")
  func overlap() throws {
    // Berlin's clocks went from 03:00 back to 02:00 at 01:00 UTC.
    let table: [(String, [String])] = [
      ("30 2 * * *", ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]),
      ("*/30 * * * *", ["2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T02:00:00Z"]),
    ]
    for (text, expected) in table {
      #expect(try Self.slots(text, "Europe/Berlin", from: "2026-10-24T23:59:00Z", expected.count) == expected)
    }
    // Asked in the second half, what the wall shows again has had its moment.
    #expect(try Self.slots("45 2 * * *", "Europe/Berlin", from: "2026-10-25T01:10:00Z", 1) == ["2026-10-26T01:45:00Z"])
  }

  @Test("where day of month and day of week are both restricted, either will do; else the restricted one counts")
  func days() throws {
    let table: [(String, [String])] = [
      ("0 0 13 * fri", ["2026-01-02", "2026-01-09", "2026-01-13", "2026-01-16"]),
      ("0 0 13 * *", ["2026-01-13", "2026-02-13"]),
      ("0 0 ? * 7", ["2026-01-04", "2026-01-11"]),
      ("0 0 * * sat-sun", ["2026-01-03", "2026-01-04", "2026-01-10"]),
      // As Kubernetes' CronJob: `*/1` restricts nothing, `1-31` does.
      ("0 0 */1 * mon", ["2026-01-05", "2026-01-12"]),
      ("0 0 1-31 * mon", ["2026-01-02", "2026-01-03"]),
      ("0 0 29 feb *", ["2028-02-29", "2032-02-29"]),
    ]
    for (text, expected) in table {
      let days = try Self.slots(text, "UTC", from: "2026-01-01T00:00:00Z", expected.count).map { String($0.prefix(10)) }
      #expect(days == expected, "\(text)")
    }
    #expect(try Self.slots("0 0 29 2 *", "UTC", from: "2096-03-01T00:00:00Z", 1) == ["2104-02-29T00:00:00Z"])
  }

  @Test(
    "an expression that is none says what would be right",
    arguments: [
      ("", "has 0 fields; expected five"), ("* * * *", "has 4 fields"), ("0 0 * * * *", "has 6 fields"),
      ("@often", "expected @hourly"), ("@daily 5", "expected @hourly"),
      ("60 * * * *", "'60' is no minute; expected 0 to 59"), ("* 24 * * *", "'24' is no hour"),
      ("* * 0 * *", "'0' is no day of month; expected 1 to 31"), ("* * * 13 *", "or jan to dec"),
      ("* * * * 8", "expected 0 to 7, or sun to sat"), ("* * * * monday", "'monday' is no day of week"),
      ("? * * * *", "'?' is no minute"), ("*/0 * * * *", "step '0'"), ("*/x * * * *", "step 'x'"),
      ("30-10 * * * *", "write it as two: 30-59,0-10"), ("1,,2 * * * *", "an empty part"),
      ("-5 * * * *", "an empty part"), ("+5 * * * *", "'+5' is no minute"), ("١ * * * *", "is no minute"),
      ("0 0 30 2 *", "never comes in month '2'"), ("0 0 31 4,6,9,11 *", "never comes"),
    ])
  func problems(text: String, words: String) {
    let problem = #expect(throws: CronProblem.self) { try CronExpression(text) }
    #expect(problem?.description.contains(words) == true, "\(problem?.description ?? "no problem")")
  }

  @Test("a date that a day of week brings about is no problem")
  func possible() throws {
    #expect(try Self.slots("0 0 30 2 mon", "UTC", from: "2026-01-31T00:00:00Z", 1) == ["2026-02-02T00:00:00Z"])
  }

  @Test("the last slot is found however far back it lies and however many there are")
  func last() throws {
    let wall = try #require(WallClock(named: "Europe/Berlin"))
    let bound = Timestamp(secondsSince1970: 0)
    let table = [
      ("0 0 29 2 *", "2027-07-01T00:00:00Z", "2024-02-28T23:00:00Z"),
      ("* * * 1 *", "2026-12-01T00:00:00Z", "2026-01-31T22:59:00Z"),
      ("* * * * *", "2026-12-01T00:00:59Z", "2026-12-01T00:00:00Z"),
      ("0 12 * * *", "2026-12-01T11:00:00Z", "2026-12-01T11:00:00Z"),
    ]
    for (text, until, expected) in table {
      let expression = try CronExpression(text)
      let moment = try #require(Timestamp(until))
      #expect(expression.last(until: moment, after: bound, on: wall)?.description == expected)
      #expect(expression.last(until: moment, after: try #require(Timestamp(expected)), on: wall) == nil)
    }
  }

  @Test("jitter is the same for the same schedule and slot, below its bound, and spread evenly")
  func jitter() {
    var counts = [Int](repeating: 0, count: 10)
    for schedule in 0..<100 {
      for slot in 0..<100 {
        let moment = Timestamp(secondsSince1970: Int64(slot) * 3600)
        let delay = SlotJitter.delay(of: moment, for: "uid-\(schedule)", below: 600)
        #expect(delay == SlotJitter.delay(of: moment, for: "uid-\(schedule)", below: 600))
        counts[Int(delay / 60)] += 1
      }
    }
    // 1,000 are expected in each tenth; ten standard deviations are 300.
    #expect(counts.allSatisfy { (700...1300).contains($0) }, "\(counts)")
    #expect(SlotJitter.delay(of: Timestamp(secondsSince1970: 1), for: "uid", below: 0) == 0)
  }
}

@Suite("What a BackupSchedule may ask for")
struct ScheduleSpecTests {
  private static func problems(_ change: (inout BackupScheduleSpec) -> Void) -> [String] {
    var spec = BackupScheduleSpec(
      schedule: "@daily", target: BackupTarget(database: "shop"), destinationName: "s3")
    change(&spec)
    return spec.problems().map(\.field)
  }

  @Test("each field that can't be carried out is named")
  func fields() {
    #expect(Self.problems { _ in } == [])
    let table: [(String, (inout BackupScheduleSpec) -> Void)] = [
      ("schedule", { $0.schedule = "0 0 30 2 *" }), ("timeZone", { $0.timeZone = "Mars/Olympus" }),
      ("timeZone", { $0.timeZone = "GMT+5" }), ("timeZone", { $0.timeZone = "PST" }),
      ("timeZone", { $0.timeZone = "" }),
      ("jitter", { $0.jitter = GoDuration(seconds: 90_000) }), ("jitter", { $0.jitter = GoDuration(seconds: -1) }),
      ("target", { $0.target.database = nil }), ("destinationName", { $0.destinationName = "A_B" }),
      ("method", { $0.method = .files }), ("startingDeadline", { $0.startingDeadline = GoDuration(seconds: 1) }),
      ("retention.daily", { $0.retention = RetentionPolicy { $0.daily = -1 } }),
      ("retention.within", { $0.retention = RetentionPolicy { $0.within = GoDuration(seconds: 0) } }),
    ]
    for (field, change) in table { #expect(Self.problems(change) == [field]) }
  }

  @Test(
    "names of the IANA database are time zones",
    arguments: ["UTC", "Europe/Berlin", "US/Eastern", "Etc/GMT+5", "CET", "Japan"])
  func zones(name: String) {
    #expect(WallClock(named: name) != nil)
    #expect(Self.problems { $0.timeZone = name } == [])
  }

  @Test("the name of a run follows from schedule and slot, and is never too long")
  func names() throws {
    let slot = try #require(Timestamp("2026-01-31T06:15:00Z"))
    func schedule(_ name: String) -> BackupSchedule {
      BackupSchedule(
        metadata: ObjectMeta(name: name, namespace: "demo"),
        spec: BackupScheduleSpec(schedule: "@daily", target: BackupTarget(database: "shop"), destinationName: "s3"))
    }
    #expect(schedule("nightly").backupName(for: slot) == "nightly-202601310615")
    #expect(schedule("nightly").labelValue == "nightly")
    let (long, other) = (String(repeating: "a", count: 253), String(repeating: "a", count: 252) + "b")
    #expect(schedule(long).backupName(for: slot).utf8.count <= 253 && schedule(long).labelValue.utf8.count <= 63)
    #expect(schedule(long).backupName(for: slot) != schedule(other).backupName(for: slot))
    #expect(schedule(long).labelValue != schedule(other).labelValue)
    let backup = Backup(of: schedule("nightly"), for: slot)
    #expect(backup.slot == slot && backup.metadata.ownerReferences.isEmpty)
  }
}

extension RetentionPolicy {
  init(_ change: (inout RetentionPolicy) -> Void) {
    self.init()
    change(&self)
  }
}
