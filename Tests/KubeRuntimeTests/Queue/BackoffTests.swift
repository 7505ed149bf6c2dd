import KubeRuntime
import Testing

@Suite("backoff")
struct BackoffTests {
  @Test("a connection's pauses lie between 0.8 and 30 s, grow, and are jittered")
  func bounds() {
    var random = SplitMix(seed: 1)
    var firsts: Set<Duration> = []
    for _ in 0..<100 {
      var backoff = ConnectionBackoff()
      var now = MonotonicTime.zero
      var lower = Duration.milliseconds(800)
      for _ in 0..<12 {
        let delay = backoff.next(now: now, using: &random)
        if now == .zero { firsts.insert(delay) }
        #expect(delay >= lower && delay <= min(lower * 2, .seconds(30)))
        lower = min(lower * 2, .seconds(15))
        now = now + delay
      }
    }
    #expect(firsts.count > 90)
  }

  @Test(
    "after 2 min of health pauses are short again, not before",
    arguments: [(Duration.seconds(119), false), (.seconds(120), true)])
  func reset(health: Duration, isReset: Bool) {
    var random = SplitMix(seed: 2)
    var backoff = ConnectionBackoff()
    var now = MonotonicTime.zero
    for _ in 0..<10 { now = now + backoff.next(now: now, using: &random) }
    let delay = backoff.next(now: now + health, using: &random)
    #expect((delay <= .milliseconds(1600)) == isReset)
  }
}
