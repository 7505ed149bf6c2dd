import ObjectStore
import Testing

@Suite struct RetryTests {
  private func policy(attempts: Int = 5, patience: Duration = .seconds(60)) -> RetryPolicy {
    var policy = RetryPolicy()
    policy.attempts = attempts
    policy.patience = patience
    policy.firstDelay = .seconds(1)
    policy.longestDelay = .seconds(6)
    return policy
  }

  @Test("waits double up to the longest, and each is the part of it that the dice say")
  func backoff() {
    let now = ContinuousClock.now
    var course = RetryCourse(policy(attempts: 10))
    let longest = (0..<5).map { _ in course.failed(at: now, minimum: nil, dice: 1) }
    #expect(longest == [1, 2, 4, 6, 6].map { .retry(after: .seconds($0)) })
    course = RetryCourse(policy(attempts: 10))
    #expect(course.failed(at: now, minimum: nil, dice: 0) == .retry(after: .zero))
    #expect(course.failed(at: now, minimum: nil, dice: 0.5) == .retry(after: .seconds(1)))
  }

  @Test("the number of attempts is bounded")
  func attempts() {
    let now = ContinuousClock.now
    var course = RetryCourse(policy(attempts: 3))
    #expect(course.failed(at: now, minimum: nil, dice: 0) == .retry(after: .zero))
    #expect(course.failed(at: now, minimum: nil, dice: 0) == .retry(after: .zero))
    #expect(course.failed(at: now, minimum: nil, dice: 0) == .giveUp)
  }

  @Test("the time is bounded: no attempt begins after patience ended")
  func patience() {
    let start = ContinuousClock.now
    var course = RetryCourse(policy(attempts: 100, patience: .seconds(10)))
    #expect(course.failed(at: start, minimum: nil, dice: 1) == .retry(after: .seconds(1)))
    #expect(course.failed(at: start + .seconds(8), minimum: nil, dice: 1) == .retry(after: .seconds(2)))
    #expect(course.failed(at: start + .seconds(9), minimum: nil, dice: 1) == .giveUp)
  }

  @Test("Retry-After is honoured, within patience")
  func retryAfter() {
    let now = ContinuousClock.now
    var course = RetryCourse(policy(patience: .seconds(10)))
    #expect(course.failed(at: now, minimum: .seconds(7), dice: 0) == .retry(after: .seconds(7)))
    #expect(course.failed(at: now + .seconds(7), minimum: .seconds(3600), dice: 0) == .giveUp)
  }

  @Test("progress makes the next failure a first one")
  func progress() {
    let now = ContinuousClock.now
    var course = RetryCourse(policy(attempts: 2, patience: .seconds(5)))
    for round in 0..<10 {
      #expect(course.failed(at: now + .seconds(100 * round), minimum: nil, dice: 1) == .retry(after: .seconds(1)))
      course.progressed()
    }
    #expect(RetryPolicy.never.attempts == 1)
  }

  @Test("a bandwidth limit lets a quarter of a second's bytes pass at once, and spaces out the rest")
  func bandwidth() throws {
    let limit = try #require(BandwidthLimit(bytesPerSecond: 1_000))
    let now = ContinuousClock.now
    #expect(limit.reserve(250, at: now) <= .milliseconds(1))
    let second = limit.reserve(1_000, at: now)
    #expect(abs(second / .seconds(1) - 1) < 0.01)
    #expect(limit.reserve(250, at: now + .seconds(100)) == .zero)
    #expect(BandwidthLimit(bytesPerSecond: nil) == nil)
  }
}
