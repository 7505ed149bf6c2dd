import Foundation
import KubeModel
import Testing

@Suite("Times and durations")
struct TimeTests {
  @Test(
    "every RFC 3339 form of a time is read",
    arguments: [
      ("1970-01-01T00:00:00Z", 0), ("2026-01-31T06:15:00Z", 1_769_840_100), ("2000-02-29T23:59:59Z", 951_868_799),
      ("1969-12-31T23:59:59Z", -1), ("2026-01-31T08:15:00+02:00", 1_769_840_100),
      ("2026-01-31T00:45:00-05:30", 1_769_840_100), ("2026-01-31t06:15:00.999z", 1_769_840_100),
      ("1600-02-29T00:00:00Z", -11_670_998_400),
    ] as [(String, Int64)])
  func reads(text: String, seconds: Int64) {
    #expect(Timestamp(text)?.secondsSince1970 == seconds)
  }

  @Test(
    "what is no time is refused",
    arguments: [
      "", "2026-01-31", "2026-01-31T06:15:00", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-01-31T24:00:00Z",
      "2026-01-31T06:60:00Z", "2026-01-31T06:15:00.Z", "2026-01-31T06:15:00+0200", "2026-01-31T06:15:00Zx",
      "2026-01-31 06:15:00Z", "２026-01-31T06:15:00Z",
    ])
  func refuses(text: String) {
    #expect(Timestamp(text) == nil)
    #expect(MicroTime(text) == nil)
  }

  @Test("10,000 moments over 4,000 years are written as Foundation writes them, and read back")
  func agreesWithFoundation() {
    let formatter = ISO8601DateFormatter()
    var random = SystemRandomNumberGenerator()
    for _ in 0..<10_000 {
      let seconds = Int64.random(in: -11_000_000_000...200_000_000_000, using: &random)
      let time = Timestamp(secondsSince1970: seconds)
      #expect(time.description == formatter.string(from: time.date))
      #expect(Timestamp(time.description) == time)
    }
  }

  @Test("microseconds survive, before 1970 too")
  func microseconds() {
    #expect(MicroTime("2026-01-31T06:15:00.000001Z")?.microsecondsSince1970 == 1_769_840_100_000_001)
    #expect(MicroTime("2026-01-31T06:15:00.1Z")?.description == "2026-01-31T06:15:00.100000Z")
    #expect(MicroTime(microsecondsSince1970: -1).description == "1969-12-31T23:59:59.999999Z")
    #expect(MicroTime(microsecondsSince1970: -1).timestamp == Timestamp(secondsSince1970: -1))
    #expect(MicroTime("1969-12-31T23:59:59.999999Z")?.microsecondsSince1970 == -1)
  }

  @Test(
    "Go's durations are read as Go reads them",
    arguments: [
      ("0", 0), ("5s", 5_000_000_000), ("1h30m", 5_400_000_000_000), ("250ms", 250_000_000),
      ("1.5h", 5_400_000_000_000),
      ("-1.5s", -1_500_000_000), ("+2us", 2000), ("3µs", 3000), ("7ns", 7), ("1h0m0s", 3_600_000_000_000),
      (".5s", 500_000_000), ("1.s", 1_000_000_000), ("2562047h47m16.854775807s", .max),
    ] as [(String, Int64)])
  func readsDurations(text: String, nanoseconds: Int64) {
    #expect(GoDuration(text)?.nanoseconds == nanoseconds)
  }

  @Test("what is no duration is refused", arguments: ["", "5", "s", "1d", "5 s", "--1s", ".s", "1h-5m", "9999999999h"])
  func refusesDurations(text: String) {
    #expect(GoDuration(text) == nil)
  }

  @Test(
    "durations are written short, and read back",
    arguments: [
      (0, "0s"), (5_000_000_000, "5s"), (5_400_000_000_000, "1h30m"), (86_400_000_000_000, "24h"),
      (250_000_000, "250ms"), (1_500_000_000, "1.5s"), (1500, "1.5us"), (7, "7ns"), (-90_000_000_000, "-1m30s"),
      (3_600_000_000_001, "1h0.000000001s"),
    ] as [(Int64, String)])
  func writesDurations(nanoseconds: Int64, text: String) {
    let duration = GoDuration(nanoseconds: nanoseconds)
    #expect(duration.description == text)
    #expect(GoDuration(text) == duration)
    #expect(GoDuration(duration.duration) == duration)
  }
}
