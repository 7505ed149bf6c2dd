import PostgresEngine
import Testing

@Suite("What a receiver knows")
struct WALReceiverStateTests {
  static let size = WALSegmentSize.standard
  static let segmentBytes = Int(size.bytes)

  func state(at end: UInt64 = 0, parts: [PartialSegmentName] = []) -> WALReceiverState {
    WALReceiverState(timeline: TimelineID(1), end: LSN(end), parts: parts, segmentSize: Self.size)
  }

  @Test("nothing is durable before a job is done, and then exactly up to the job's end")
  func confirmation() throws {
    var state = state()
    _ = state.append(1000)
    #expect(state.durable == LSN(0))
    let job = try #require(state.makePartial())
    _ = state.append(500)
    #expect(state.finish(job.id).durable == LSN(1000))
    #expect(state.durable == LSN(1000))
    #expect(state.received == LSN(1500))
  }

  @Test("a segment that is stored before the one in front of it confirms nothing")
  func inOrder() throws {
    var state = state()
    let first = try #require(state.append(Self.segmentBytes))
    let second = try #require(state.append(Self.segmentBytes))
    #expect(state.finish(second.id).durable == LSN(0))
    #expect(state.finish(first.id).durable == LSN(2 * Self.size.bytes))
    #expect(state.isIdle)
  }

  @Test("a partial carries only what came since the last one")
  func partials() throws {
    var state = state()
    _ = state.append(1000)
    let first = try #require(state.makePartial())
    #expect(first.work == .partial(PartialSegmentName(segment: state.segment, from: 0, to: 1000)))
    _ = state.append(24)
    #expect(state.makePartial() == nil, "one is being stored")
    _ = state.finish(first.id)
    let second = try #require(state.makePartial())
    #expect(second.work == .partial(PartialSegmentName(segment: state.segment, from: 1000, to: 1024)))
    _ = state.finish(second.id)
    #expect(state.makePartial() == nil, "nothing is new")
  }

  @Test("partials go when the whole segment is durable, and not before")
  func removal() throws {
    var state = state()
    _ = state.append(1000)
    let partial = try #require(state.makePartial())
    let whole = try #require(state.append(Self.segmentBytes - 1000))
    #expect(state.finish(whole.id).removable.isEmpty, "the partial may still arrive")
    let progress = state.finish(partial.id)
    #expect(
      progress.removable == [
        PartialSegmentName(
          segment: WALSegmentName(
            timeline: TimelineID(1), number: 0, size: Self.size), from: 0, to: 1000)
      ])
    #expect(progress.durable == LSN(Self.size.bytes))
  }

  @Test("a segment that grows for days never has more partials than a reader can bear")
  func merging() throws {
    var state = state()
    var stored: Set<PartialSegmentName> = []
    for _ in 0..<1000 {
      _ = state.append(100)
      let job = try #require(state.makePartial())
      guard case .partial(let name) = job.work else { throw CancellationError() }
      stored.insert(name)
      for gone in state.finish(job.id).removable { stored.remove(gone) }
      #expect(stored.count <= WALReceiverState.mergeAfter)
      #expect(PartialSegmentName.chain(of: stored).last?.end == state.received)
    }
  }

  @Test("bytes that do not follow what was received are refused")
  func continuity() throws {
    var state = state()
    _ = state.append(1000)
    #expect(throws: WALError.self) { try state.accept(start: LSN(1001), count: 1) }
    #expect(throws: WALError.self) { try state.accept(start: LSN(999), count: 1) }
    #expect(try state.accept(start: LSN(1000), count: 5) == 5)
    #expect(try state.accept(start: LSN(1000), count: Self.segmentBytes) == Self.segmentBytes - 1000)
  }

  @Test(
    "where streaming begins follows from the archive's end and the server's history",
    arguments: [
      (nil, 1, 5000, WALStart.first),
      (ArchiveEnd(timeline: TimelineID(1), end: LSN(4000)), 1, 5000, .resume(TimelineID(1), at: LSN(4000))),
      (ArchiveEnd(timeline: TimelineID(1), end: LSN(5000)), 1, 5000, .resume(TimelineID(1), at: LSN(5000))),
      (ArchiveEnd(timeline: TimelineID(1), end: LSN(5001)), 1, 5000, .behind),
      // Timeline 2 left 1 at 3000, timeline 4 left 2 at 6000.
      (ArchiveEnd(timeline: TimelineID(1), end: LSN(2000)), 4, 9000, .resume(TimelineID(1), at: LSN(2000))),
      (ArchiveEnd(timeline: TimelineID(1), end: LSN(3000)), 4, 9000, .resume(TimelineID(1), at: LSN(3000))),
      (ArchiveEnd(timeline: TimelineID(1), end: LSN(3001)), 4, 9000, .fork(TimelineID(2), at: LSN(3000))),
      (ArchiveEnd(timeline: TimelineID(2), end: LSN(7000)), 4, 9000, .fork(TimelineID(4), at: LSN(6000))),
      (ArchiveEnd(timeline: TimelineID(3), end: LSN(7000)), 4, 9000, .unrelated),
      (ArchiveEnd(timeline: TimelineID(5), end: LSN(7000)), 4, 9000, .behind),
    ] as [(ArchiveEnd?, UInt32, UInt64, WALStart)])
  func start(_ archive: ArchiveEnd?, _ server: UInt32, _ flushed: UInt64, _ expected: WALStart) throws {
    let history = server == 1 ? "" : "1\t0/BB8\tno recovery target specified\n2\t0/1770\tx\n"
    let decision = WALStart.decide(
      archive: archive, server: TimelineID(server), flushed: LSN(flushed),
      history: try TimelineHistory(timeline: TimelineID(server), parsing: history))
    #expect(decision == expected)
  }

  @Test("partials are put together however they overlap, and never across a hole")
  func chains() {
    let segment = WALSegmentName(timeline: TimelineID(1), number: 3, size: Self.size)
    func part(_ from: UInt64, _ to: UInt64) -> PartialSegmentName {
      PartialSegmentName(segment: segment, from: from, to: to)
    }
    #expect(PartialSegmentName.chain(of: [part(0, 10), part(10, 20)]) == [part(0, 10), part(10, 20)])
    #expect(PartialSegmentName.chain(of: [part(10, 20)]) == [])
    #expect(PartialSegmentName.chain(of: [part(0, 10), part(11, 20)]) == [part(0, 10)])
    #expect(PartialSegmentName.chain(of: [part(0, 10), part(5, 30), part(10, 20)]) == [part(0, 10), part(5, 30)])
    #expect(PartialSegmentName.chain(of: [part(0, 10), part(10, 20), part(0, 64)]) == [part(0, 64)])
    #expect(PartialSegmentName("\(part(16, 4096))", size: Self.size) == part(16, 4096))
    #expect("\(part(16, 4096))" == "000000010000000000000003.00000010-00001000.partial")
    for wrong in ["000000010000000000000003", "000000010000000000000003.00000010-00000010.partial", "x.0-1.partial"] {
      #expect(PartialSegmentName(wrong, size: Self.size) == nil)
    }
  }
}
