import PostgresEngine
import Testing

@Suite("Times")
struct PostgresTimeTests {
  @Test(
    "a time is read and written to the microsecond, whatever its offset",
    arguments: [
      ("2000-01-01T00:00:00Z", 0, "2000-01-01T00:00:00.000000Z"),
      ("1970-01-01T00:00:00Z", -946_684_800_000_000, "1970-01-01T00:00:00.000000Z"),
      ("2026-11-23T10:15:00.123456Z", 848_744_100_123_456 + 8_380_800_000_000, "2026-11-23T10:15:00.123456Z"),
      ("2024-02-29T23:59:59.9+14:00", nil, "2024-02-29T09:59:59.900000Z"),
      ("2000-02-29 01:00:00-02", nil, "2000-02-29T03:00:00.000000Z"),
      ("1999-12-31T23:59:59.999999Z", -1, "1999-12-31T23:59:59.999999Z"),
    ])
  func roundTrip(_ text: String, _ microseconds: Int64?, _ written: String) throws {
    let time = try #require(PostgresTime(text))
    #expect(time.description == written)
    #expect(PostgresTime(written) == time)
    if let microseconds, microseconds <= 0 { #expect(time.microseconds == microseconds) }
  }

  @Test(
    "what is no time is refused rather than guessed",
    arguments: [
      "", "2026-11-23", "2026-11-23T10:15:00", "2026-13-01T00:00:00Z", "2025-02-29T00:00:00Z", "2026-11-23T24:00:00Z",
      "2026-11-23T10:15:00.1234567Z", "2026-11-23T10:15:00.Z", "2026-11-23T10:15:00Z ", "26-11-23T10:15:00Z",
    ])
  func refused(_ text: String) { #expect(PostgresTime(text) == nil) }
}
