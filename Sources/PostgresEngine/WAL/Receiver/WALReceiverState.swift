/// What a receiver knows about the bytes that it has got, on one timeline: a value without sockets, clock or store.
///
/// Bytes go into the segment at hand; a full segment, and from time to time the new part of one that is not full,
/// becomes a job for the uploaders. Jobs may be done in any order, but a position counts as durable only when
/// every job up to it is done: that position, and no other, is confirmed to the server.
public struct WALReceiverState: Sendable {
  /// What is to be stored.
  public enum Work: Sendable, Hashable {
    case segment(WALSegmentName)
    case partial(PartialSegmentName)
  }

  /// Something to be stored.
  public struct Job: Sendable, Hashable {
    /// Rises from one job to the next.
    public let id: Int
    /// What to store.
    public let work: Work
    /// The position that is durable when this and all earlier jobs are done.
    public let end: LSN
    /// Partials that nobody needs any more then.
    public let supersedes: [PartialSegmentName]
  }

  /// What follows from a job's end.
  public struct Progress: Sendable, Hashable {
    /// The position up to which everything is durable.
    public var durable: LSN
    /// Partials that may be removed.
    public var removable: [PartialSegmentName]
  }

  /// A segment that grows slowly is merged into one partial each time it has this many, so that a reader has to fetch
  /// at most this many objects.
  public static let mergeAfter = 64

  /// The timeline.
  public let timeline: TimelineID
  /// The position after the last byte received.
  public private(set) var received: LSN
  /// The position up to which everything is durable.
  public private(set) var durable: LSN
  /// The segment at hand.
  public private(set) var segment: WALSegmentName

  private var parts: [PartialSegmentName]
  private var jobs: [(job: Job, isDone: Bool)] = []
  private var nextID = 0

  /// Begins with the segment that holds `end`, of which `parts` are stored already, up to `end` exactly.
  public init(timeline: TimelineID, end: LSN, parts: [PartialSegmentName], segmentSize: WALSegmentSize) {
    self.timeline = timeline
    (received, durable) = (end, end)
    segment = WALSegmentName(timeline: timeline, containing: end, size: segmentSize)
    self.parts = parts
  }

  /// Whether anything is being stored.
  public var isIdle: Bool { jobs.isEmpty }

  /// Bytes of the segment at hand that are in no job yet.
  public var unstored: UInt64 { received - segment.start - (parts.last?.to ?? 0) }

  /// How many of `count` bytes at `start` belong to the segment at hand. They must follow what was received.
  public func accept(start: LSN, count: Int) throws -> Int {
    guard start == received else {
      throw WALError(
        .archiveCorrupted,
        "the server sent WAL at \(start), expected the bytes at \(received); the stream is begun anew")
    }
    return Int(min(UInt64(count), segment.end - received))
  }

  /// `count` bytes were added to the segment at hand. Returns the job of storing it when that filled it; then the next
  /// segment is at hand.
  public mutating func append(_ count: Int) -> Job? {
    received = received + UInt64(count)
    guard received == segment.end else { return nil }
    let job = makeJob(.segment(segment), supersedes: parts)
    segment = segment.next
    parts = []
    return job
  }

  /// The job of storing what is new in the segment at hand; nil when there is nothing new, or a part of it is being
  /// stored.
  public mutating func makePartial() -> Job? {
    let isStoringPart = jobs.contains { entry in
      if case .partial(let name) = entry.job.work { name.segment == segment } else { false }
    }
    guard unstored > 0, !isStoringPart else { return nil }
    let merges = parts.count >= Self.mergeAfter
    let name = PartialSegmentName(
      segment: segment, from: merges ? 0 : parts.last?.to ?? 0, to: received - segment.start)
    let superseded = merges ? parts : []
    parts = merges ? [name] : parts + [name]
    return makeJob(.partial(name), supersedes: superseded)
  }

  /// A job is done: what it stores is durable.
  public mutating func finish(_ id: Int) -> Progress {
    for index in jobs.indices where jobs[index].job.id == id { jobs[index].isDone = true }
    var removable: [PartialSegmentName] = []
    while let first = jobs.first, first.isDone {
      durable = first.job.end
      removable += first.job.supersedes
      jobs.removeFirst()
    }
    return Progress(durable: durable, removable: removable)
  }

  private mutating func makeJob(_ work: Work, supersedes: [PartialSegmentName]) -> Job {
    defer { nextID += 1 }
    let job = Job(id: nextID, work: work, end: received, supersedes: supersedes)
    jobs.append((job, false))
    return job
  }
}
