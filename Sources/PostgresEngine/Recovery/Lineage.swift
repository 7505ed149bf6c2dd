/// The way of a database's log through timelines and incarnations to one timeline of one incarnation.
///
/// PostgreSQL's rule, which this follows: in the segment in which a timeline begins, the new timeline's file holds the
/// old one's beginning too, and it is the one that is read. So each segment number has exactly one file.
public struct Lineage: Sendable, Hashable, Codable {
  /// A stretch on one timeline, in one incarnation's archive.
  public struct Piece: Sendable, Hashable, Codable {
    /// In whose archive it lies.
    public var incarnation: IncarnationID
    /// Its timeline.
    public var timeline: TimelineID
    /// Where it begins.
    public var from: LSN
    /// Where the way leaves it: behind that, what its archive holds is of another life. nil where it goes on.
    public var to: LSN?
  }

  /// Oldest first; timelines rise.
  public private(set) var pieces: [Piece]
  /// The cluster's segment size.
  public let segmentSize: WALSegmentSize

  /// The way to `history.timeline` in `incarnation`.
  public init(to history: TimelineHistory, of incarnation: Incarnation, in tree: IncarnationTree) throws {
    segmentSize = incarnation.segmentSize
    pieces = []
    var from = LSN(0)
    for ancestor in history.ancestors {
      if let owner = tree.owner(of: ancestor.timeline, inLineOf: incarnation.id) {
        pieces.append(Piece(incarnation: owner.id, timeline: ancestor.timeline, from: from, to: ancestor.end))
      }
      from = ancestor.end
    }
    guard let owner = tree.owner(of: history.timeline, inLineOf: incarnation.id) else {
      throw WALError(
        .incarnationUnknown, "timeline \(history.timeline) is not one of incarnation \(incarnation.id) or its parents")
    }
    pieces.append(Piece(incarnation: owner.id, timeline: history.timeline, from: from, to: nil))
  }

  init(pieces: [Piece], segmentSize: WALSegmentSize) { (self.pieces, self.segmentSize) = (pieces, segmentSize) }

  /// The last timeline.
  public var timeline: TimelineID { pieces[pieces.count - 1].timeline }

  /// The piece on whose timeline the file of this segment is; nil before the first piece.
  public func piece(ofSegment number: UInt64) -> Piece? {
    pieces.last { $0.from.bytes / segmentSize.bytes <= number }
  }

  /// The piece that holds the byte at `lsn`.
  public func piece(at lsn: LSN) -> Piece? { pieces.last { $0.from <= lsn } }

  /// The piece of a timeline.
  public func piece(of timeline: TimelineID) -> Piece? { pieces.first { $0.timeline == timeline } }

  /// The file of this segment; nil before the first piece.
  public func segment(_ number: UInt64) -> WALSegmentName? {
    piece(ofSegment: number).map { WALSegmentName(timeline: $0.timeline, number: number, size: segmentSize) }
  }

  /// The number of the segment that holds the byte at `lsn`.
  func number(of lsn: LSN) -> UInt64 { lsn.bytes / segmentSize.bytes }

  /// The same way, ended at `timeline`; not further on it than the way went.
  func ending(at timeline: TimelineID) -> Lineage {
    Lineage(pieces: pieces.filter { $0.timeline <= timeline }, segmentSize: segmentSize)
  }

  /// Stretches of segments, in order, that lie on one timeline each.
  func stretches(of segments: ClosedRange<UInt64>) -> [ClosedRange<UInt64>] {
    var (stretches, low): ([ClosedRange<UInt64>], UInt64) = ([], segments.lowerBound)
    while low <= segments.upperBound {
      let next = pieces.first { number(of: $0.from) > low }
      let high = min(segments.upperBound, next.map { number(of: $0.from) - 1 } ?? .max)
      stretches.append(low...high)
      guard high < .max else { break }
      low = high + 1
    }
    return stretches
  }

  /// The recorded gaps that are of this way: those of an ancestor behind the place at which it was left are not.
  func gaps(_ inventories: [IncarnationID: WALInventory]) -> [WALGap] {
    pieces.map(\.incarnation).uniqued().flatMap { id -> [WALGap] in
      let end = pieces.last { $0.incarnation == id }?.to
      return (inventories[id]?.gaps ?? []).filter { gap in end.map { gap.from < $0 } ?? true }
    }
  }

  /// The same way, without the pieces that end before `lsn`.
  func beginning(at lsn: LSN) -> Lineage {
    Lineage(pieces: pieces.filter { $0.to.map { $0 > lsn } ?? true }, segmentSize: segmentSize)
  }
}
