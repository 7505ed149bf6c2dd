/// The name of a stored part of a segment: `<segment>.<from>-<to>.partial`, where `from` and `to` are byte offsets in
/// the segment, in eight hexadecimal digits each.
///
/// The parts of a segment cover it from its first byte on without a hole; they may overlap, since the bytes at one
/// position of one timeline are always the same. A reader starts at offset 0 and goes on, at each offset reached, with
/// the part that begins at or before it and reaches furthest (`chain(of:)`). So two receivers that run for a moment
/// side by side cannot disturb each other, and parts can be merged by storing a longer one before the shorter ones are
/// removed.
public struct PartialSegmentName: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The segment that this is a part of.
  public let segment: WALSegmentName
  /// The offset of the first byte.
  public let from: UInt64
  /// The offset after the last byte; at most the segment's size.
  public let to: UInt64

  /// The part of `segment` from one offset to another.
  public init(segment: WALSegmentName, from: UInt64, to: UInt64) {
    precondition(from < to && to <= segment.size.bytes, "a part of a segment lies in it")
    (self.segment, self.from, self.to) = (segment, from, to)
  }

  /// Reads a name; nil for any other form.
  public init?(_ name: some StringProtocol, size: WALSegmentSize) {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[2] == "partial", let segment = WALSegmentName(parts[0], size: size) else {
      return nil
    }
    let offsets = parts[1].split(separator: "-", omittingEmptySubsequences: false)
    guard offsets.count == 2, offsets.allSatisfy({ $0.utf8.count == 8 }), let from = UInt64(offsets[0], radix: 16),
      let to = UInt64(offsets[1], radix: 16), from < to, to <= size.bytes
    else { return nil }
    self.init(segment: segment, from: from, to: to)
  }

  /// The position after the part's last byte.
  public var end: LSN { segment.start + to }

  /// The object's name without its prefix.
  public var description: String { "\(segment).\(padded(from))-\(padded(to)).partial" }

  public static func < (left: PartialSegmentName, right: PartialSegmentName) -> Bool {
    (left.segment, left.from, left.to) < (right.segment, right.from, right.to)
  }

  /// The parts to read, in order, for the longest beginning that `names` (all of one segment) hold.
  public static func chain(of names: some Sequence<PartialSegmentName>) -> [PartialSegmentName] {
    let sorted = names.sorted()
    var (chain, reached): ([PartialSegmentName], UInt64) = ([], 0)
    while let next = sorted.lazy.filter({ $0.from <= reached && $0.to > reached }).max(by: { $0.to < $1.to }) {
      chain.append(next)
      reached = next.to
    }
    return chain
  }
}
