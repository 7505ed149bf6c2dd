import KubeModel
import KubeRuntime
import Testing

@Suite("events: aggregation")
struct EventCorrelatorTests {
  /// A correlator with its time.
  struct Machine {
    var correlator = EventCorrelator(component: "test")
    var now = MonotonicTime.zero

    mutating func record(_ reason: String, _ message: String, about name: String = "x", after delay: Duration = .zero)
      -> EventCorrelator.Decision
    {
      now = now + delay
      let draft = EventDraft(
        regarding: ObjectReference(apiVersion: "v1", kind: "ConfigMap", namespace: "a", name: name, uid: name),
        type: .normal, reason: reason, message: message)
      let wall = MicroTime(microsecondsSince1970: 1_700_000_000_000_000 + now.sinceStart.nanoseconds / 1000)
      return correlator.correlate(draft, now: now, wall: wall)
    }
  }

  @Test("the same event again counts up the first, and moves its last time")
  func counts() {
    var machine = Machine()
    guard case .create(let first) = machine.record("R", "m") else {
      Issue.record("the first is not created")
      return
    }
    #expect(first.count == 1 && first.firstTimestamp == first.lastTimestamp)
    for count in 2...5 {
      guard case .update(let event) = machine.record("R", "m", after: .seconds(7)) else {
        Issue.record("the event is not counted up")
        return
      }
      #expect(event.count == count)
      #expect(event.metadata.name == first.metadata.name)
      #expect(event.firstTimestamp == first.firstTimestamp)
      let elapsed = (event.lastTimestamp?.secondsSince1970 ?? 0) - (first.lastTimestamp?.secondsSince1970 ?? 0)
      #expect(elapsed == Int64(7 * (count - 1)))
    }
  }

  @Test("from the tenth similar event within 10 min on they are combined into one")
  func combines() {
    var machine = Machine()
    for index in 1...9 {
      guard case .create = machine.record("R", "message \(index)", after: .seconds(1)) else {
        Issue.record("event \(index) is not created")
        return
      }
    }
    guard case .create(let combined) = machine.record("R", "message 10") else {
      Issue.record("the combined event is not created")
      return
    }
    #expect(combined.message == "(combined from similar events): message 10")
    guard case .update(let next) = machine.record("R", "message 11") else {
      Issue.record("the combined event is not counted up")
      return
    }
    #expect(next.metadata.name == combined.metadata.name && next.count == 2)
    #expect(next.message == "(combined from similar events): message 11")
    // One that is known counts for itself.
    guard case .update(let known) = machine.record("R", "message 3") else {
      Issue.record("a known event is not counted up")
      return
    }
    #expect(known.message == "message 3" && known.count == 2)
    // Another reason is not similar.
    guard case .create(let other) = machine.record("S", "message 12") else {
      Issue.record("another reason is combined")
      return
    }
    #expect(other.message == "message 12")
  }

  @Test("after 10 quiet minutes similar events stand alone again", arguments: [(600, true), (601, false)])
  func combinesNoMore(seconds: Int, isCombined: Bool) {
    var machine = Machine()
    for index in 1...9 { _ = machine.record("R", "message \(index)") }
    guard case .create(let event) = machine.record("R", "message 10", after: .seconds(seconds)) else {
      Issue.record("nothing is created")
      return
    }
    #expect((event.message?.hasPrefix("(combined") == true) == isCombined)
  }

  @Test("an object gets 25 events at once and one per 5 min after that, others are not touched by it")
  func spam() {
    var machine = Machine()
    for _ in 0..<25 { #expect(machine.record("R", "m") != .drop) }
    #expect(machine.record("R", "m") == .drop)
    #expect(machine.record("Other", "o") == .drop)
    #expect(machine.record("R", "m", about: "y") != .drop)
    #expect(machine.record("R", "m", after: .seconds(299)) == .drop)
    guard case .update(let event) = machine.record("R", "m", after: .seconds(2)) else {
      Issue.record("the bucket is not refilled")
      return
    }
    // What was dropped is counted all the same.
    #expect(event.count == 28)
    #expect(machine.record("R", "m") == .drop)
  }

  @Test("names grow with time, also within one microsecond, so that `kubectl describe` keeps the order")
  func names() {
    var machine = Machine()
    var names: [String] = []
    for index in 0..<20 {
      if case .create(let event) = machine.record("R\(index)", "m") { names.append(event.metadata.name ?? "") }
    }
    #expect(names.count == 20)
    #expect(names == names.sorted())
    #expect(Set(names).count == 20)
  }

  @Test("messages have at most 1,024 bytes, cut between characters; names at most 253")
  func limits() {
    var machine = Machine()
    let long = String(repeating: "ä", count: 600) + String(repeating: "🦀", count: 200)
    guard case .create(let event) = machine.record("R", long, about: String(repeating: "n", count: 253)) else {
      Issue.record("nothing is created")
      return
    }
    let message = event.message ?? ""
    #expect(message.utf8.count <= 1024 && message.utf8.count > 1000)
    #expect(message.hasSuffix("…"))
    #expect(message.dropLast().allSatisfy { $0 == "ä" })
    #expect((event.metadata.name ?? "").utf8.count <= 253)
  }

  @Test("memory stays bounded, whatever number of objects there is")
  func bounded() {
    var machine = Machine()
    machine.correlator = EventCorrelator(component: "test", capacity: 100)
    for index in 0..<10_000 { #expect(machine.record("R", "m", about: "o\(index)") != .drop) }
    #expect(machine.correlator.remembered <= 300)
    // The newest are still known.
    guard case .update = machine.record("R", "m", about: "o9999") else {
      Issue.record("the newest is forgotten")
      return
    }
  }
}
