import ObjectStore
import Testing

@Suite struct TimeAndEncodingTests {
  @Test(
    "times are read from headers and listings, and written as signatures need them",
    arguments: [
      (0, "19700101T000000Z", "Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00.000Z"),
      (951_827_696, "20000229T123456Z", "Tue, 29 Feb 2000 12:34:56 GMT", "2000-02-29T12:34:56Z"),
      (1_369_353_600, "20130524T000000Z", "Fri, 24 May 2013 00:00:00 GMT", "2013-05-24T00:00:00.000Z"),
      (4_107_542_399, "21000228T235959Z", "Sun, 28 Feb 2100 23:59:59 GMT", "2100-02-28T23:59:59.000Z"),
    ])
  func times(_ seconds: Int, _ compact: String, _ http: String, _ iso: String) {
    let time = UnixTime(seconds: Int64(seconds))
    #expect(time.compact == compact)
    #expect(UnixTime(httpDate: http) == time)
    #expect(UnixTime(iso8601: iso) == time)
  }

  @Test("fractions of a second are kept; what is no time is refused")
  func oddTimes() {
    #expect(UnixTime(iso8601: "2013-05-24T00:00:00.250Z")?.nanoseconds == 250_000_000)
    #expect(UnixTime(iso8601: "yesterday") == nil)
    #expect(UnixTime(iso8601: "2013-05-24T00:00:00+02:00") == nil)
    #expect(UnixTime(httpDate: "Fri, 24 Mai 2013 00:00:00 GMT") == nil)
    #expect(UnixTime(httpDate: "") == nil)
  }

  @Test(
    "every character survives percent-encoding",
    arguments: ["a b+c%d=e/f?g#h&i", "/", "ä\u{308}🙂", "a//b/../.", "\u{1}"])
  func encoding(_ text: String) {
    for slash in [PercentEncoding.Slash.kept, .encoded] {
      let encoded = PercentEncoding.encode(text, slash: slash)
      #expect(encoded.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "+") })
      #expect(PercentEncoding.decode(encoded).map { Array($0.utf8) } == Array(text.utf8))
    }
    #expect(PercentEncoding.encode("a/b c", slash: .kept) == "a/b%20c")
    #expect(PercentEncoding.encode("a/b c", slash: .encoded) == "a%2Fb%20c")
  }

  @Test("broken percent-encoding is refused", arguments: ["%", "%1", "%zz", "%ff"])
  func brokenEncoding(_ text: String) { #expect(PercentEncoding.decode(text) == nil) }
}
