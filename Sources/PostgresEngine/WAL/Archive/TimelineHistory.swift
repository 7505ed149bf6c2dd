/// A timeline's ancestry: the content of its history file.
///
/// Source: PostgreSQL's `src/backend/access/transam/timeline.c`.
public struct TimelineHistory: Sendable, Hashable {
  /// An ancestor, and where it was left.
  public struct Ancestor: Sendable, Hashable {
    /// The ancestor's number.
    public let timeline: TimelineID
    /// Where the next timeline begins.
    public let end: LSN
  }

  /// The timeline that this is the history of.
  public let timeline: TimelineID
  /// Oldest first; empty for a timeline without ancestors.
  public let ancestors: [Ancestor]

  /// A timeline with these ancestors, oldest first.
  public init(timeline: TimelineID, ancestors: [Ancestor] = []) {
    (self.timeline, self.ancestors) = (timeline, ancestors)
  }

  /// Reads a history file: lines of timeline, LSN and reason, with `#` before comments.
  ///
  /// A recovery that was pinned to a timeline, and stopped before that one began, writes the whole history of it and a line
  /// with its own, lower end (`writeTimeLineHistory`). Ancestors that the way never reached are left out here, as
  /// PostgreSQL never finds a position on them either (`tliOfPointInHistory`).
  public init(timeline: TimelineID, parsing text: some StringProtocol) throws {
    var (ancestors, number): ([Ancestor], UInt32) = ([], 0)
    for line in text.split(whereSeparator: \.isNewline) {
      let fields = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
      guard let first = fields.first, !first.hasPrefix("#") else { continue }
      guard fields.count >= 2, let next = UInt32(first), let end = LSN(fields[1]), number < next,
        next < timeline.number
      else {
        throw WALError(
          .fileInvalid,
          "the history file of timeline \(timeline) has the line '\(line)'; expected a timeline, an LSN and a reason, "
            + "with rising timelines")
      }
      number = next
      var left = TimelineID(number)
      while let last = ancestors.last, last.end > end {
        left = last.timeline
        ancestors.removeLast()
      }
      ancestors.append(Ancestor(timeline: left, end: end))
    }
    self.init(timeline: timeline, ancestors: ancestors)
  }

  /// Where `timeline` was left for the next one; nil when it is this timeline itself or no ancestor.
  public func end(of timeline: TimelineID) -> LSN? { ancestors.first { $0.timeline == timeline }?.end }

  /// The timeline that follows `timeline` on the way here; nil when it is this timeline itself or no ancestor.
  public func successor(of timeline: TimelineID) -> TimelineID? {
    guard let index = ancestors.firstIndex(where: { $0.timeline == timeline }) else { return nil }
    return index + 1 < ancestors.count ? ancestors[index + 1].timeline : self.timeline
  }

  /// Whether `timeline` is this one or one of its ancestors.
  public func contains(_ timeline: TimelineID) -> Bool {
    timeline == self.timeline || ancestors.contains { $0.timeline == timeline }
  }

  /// The file name in PostgreSQL's archive.
  public static func fileName(_ timeline: TimelineID) -> String { timeline.hexadecimal + ".history" }

  /// The timeline of a history file's name; nil for any other name.
  public static func timeline(ofFileName name: some StringProtocol) -> TimelineID? {
    guard name.utf8.count == 16, name.hasSuffix(".history"), let number = UInt32(name.prefix(8), radix: 16)
    else { return nil }
    return TimelineID(number)
  }
}
