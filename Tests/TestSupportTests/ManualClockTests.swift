import Synchronization
import TestSupport
import Testing

@Suite("The manual clock")
struct ManualClockTests {
  @Test("sleepers wake in the order of their deadlines, and not before")
  func wakesInOrder() async throws {
    let clock = ManualClock()
    let woken = Woken()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for seconds in [3, 1, 2] {
        group.addTask {
          try await clock.sleep(for: .seconds(seconds))
          woken.add(seconds)
        }
      }
      try await clock.waitForSleepers(3)
      clock.advance(by: .milliseconds(999))
      #expect(clock.sleeperCount == 3)
      for seconds in [1, 2, 3] {
        clock.advance(to: .init(offset: .seconds(seconds)))
        try await eventually { woken.all == Array(1...seconds) }
        #expect(clock.sleeperCount == 3 - seconds)
      }
      try await group.waitForAll()
    }
    #expect(clock.now.offset == .seconds(3))
  }

  @Test("a deadline that has passed is no reason to sleep")
  func passedDeadline() async throws {
    let clock = ManualClock()
    clock.advance(by: .seconds(5))
    try await clock.sleep(until: .init(offset: .seconds(5)))
    #expect(clock.now.offset == .seconds(5))
  }

  @Test("a cancelled sleeper wakes at once with an error, and is forgotten")
  func cancellation() async throws {
    let clock = ManualClock()
    let task = Task { try await clock.sleep(for: .seconds(60)) }
    try await clock.waitForSleepers()
    #expect(clock.nextDeadline == .init(offset: .seconds(60)))
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(clock.sleeperCount == 0)
  }
}

/// Who woke, in order.
private final class Woken: Sendable {
  private let seconds = Mutex<[Int]>([])

  var all: [Int] { seconds.withLock { $0 } }

  func add(_ number: Int) { seconds.withLock { $0.append(number) } }
}
