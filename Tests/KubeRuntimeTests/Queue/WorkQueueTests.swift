import KubeRuntime
import TestSupport
import Testing

@Suite("work queue: with tasks")
struct WorkQueueTests {
  @Test("a delayed key is handed out when its time has come, and not before")
  func delays() async {
    let clock = ManualClock()
    let queue = WorkQueue<String>(name: "test", clock: clock.runtime)
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await queue.run() }
      queue.add("later", after: .seconds(600))
      queue.add("sooner", after: .seconds(60))
      #expect(await soon { clock.sleeperCount == 1 })
      clock.advance(by: .seconds(59))
      #expect(queue.depth == 0)
      clock.advance(by: .seconds(1))
      #expect(await queue.next() == "sooner")
      queue.finish("sooner", .done)
      #expect(await soon { clock.sleeperCount == 1 })
      clock.advance(by: .seconds(540))
      #expect(await queue.next() == "later")
      group.cancelAll()
    }
  }

  @Test("a cancelled worker gets nothing, and takes no key with it")
  func cancelled() async {
    let queue = WorkQueue<Int>(name: "test")
    for key in 0..<2000 {
      let worker = Task { await queue.next() }
      worker.cancel()
      queue.add(key)
      if let taken = await worker.value {
        queue.finish(taken, .done)
      } else {
        let taken = await queue.next()
        #expect(taken == key)
        queue.finish(key, .done)
      }
    }
    #expect(queue.depth == 0)
  }

  @Test("many adders and workers: every add is followed by a run, none runs twice at once, and the queue drains")
  func stress() async throws {
    let queue = WorkQueue<Int>(name: "test", backoff: ExponentialBackoff(initial: .microseconds(10)))
    let versions = Shared([Int](repeating: 0, count: 50))
    let seen = Shared([Int](repeating: 0, count: 50))
    let running = Shared(Set<Int>())
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await queue.run() }
      for worker in 0..<8 {
        group.addTask {
          var runs = 0
          while let key = await queue.next() {
            runs += 1
            #expect(running.withLock { $0.insert(key).inserted })
            seen.withLock { $0[key] = versions.withLock { $0[key] } }
            if runs.isMultiple(of: 5) { await Task.yield() }
            running.withLock { _ = $0.remove(key) }
            queue.finish(key, (runs + worker).isMultiple(of: 7) ? .failed : .done)
          }
        }
      }
      await withTaskGroup(of: Void.self) { adders in
        for adder in 0..<4 {
          adders.addTask {
            for step in 0..<2000 {
              let key = (step * 7 + adder) % 50
              versions.withLock { $0[key] += 1 }
              queue.add(key)
            }
          }
        }
      }
      #expect(await soon { versions.value == seen.value })
      queue.shutDown(.finishReady)
    }
    try await queue.waitUntilDrained()
  }
}
