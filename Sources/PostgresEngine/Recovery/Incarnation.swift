/// The name of an incarnation: letters, digits and hyphens, unique below one database's prefix.
public struct IncarnationID: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
  /// The name itself.
  public let text: String

  /// nil unless `text` is 1 to 63 lower-case letters, digits and hyphens.
  public init?(_ text: some StringProtocol) {
    guard (1...63).contains(text.utf8.count),
      text.utf8.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || $0 == 45 })
    else { return nil }
    self.text = String(text)
  }

  private init(unchecked text: String) { self.text = text }

  /// The incarnation that a database begins with. The same for every process that sees the server, so that two
  /// receivers that start at once do not make two.
  public static func root(systemIdentifier: UInt64) -> IncarnationID {
    IncarnationID(unchecked: "root-" + hexadecimal(systemIdentifier, digits: 16))
  }

  /// A new name for what a restore or a clone makes.
  public static func fresh() -> IncarnationID {
    IncarnationID(unchecked: "life-" + hexadecimal(.random(in: .min ... .max), digits: 16))
  }

  private static func hexadecimal(_ value: UInt64, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: digits - text.count) + text
  }

  public var description: String { text }

  public static func < (left: IncarnationID, right: IncarnationID) -> Bool { left.text < right.text }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let id = IncarnationID(text) else {
      throw DecodingError.dataCorruptedError(
        in: container,
        debugDescription: "'\(text)' is not an incarnation; expected lower-case letters, digits and hyphens")
    }
    self = id
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}

/// One physical life of a database: `incarnation.json`, plain JSON, written once before the first WAL of that life.
public struct Incarnation: Sendable, Hashable, Codable {
  /// Where an incarnation comes from.
  public struct Parent: Sendable, Hashable, Codable {
    /// The life that it left.
    public var id: IncarnationID
    /// The timeline of the parent that it left.
    public var timeline: TimelineID
    /// Where it left it.
    public var forkLSN: LSN
    /// `<namespace>/<name>` of the parent's database, when its archive lies below another database's prefix: then the
    /// parent's WAL cannot be reached from here, and this incarnation's window begins with its own first base backup.
    public var database: String?

    /// The incarnation `id`, left on `timeline` at `forkLSN`.
    public init(id: IncarnationID, timeline: TimelineID, forkLSN: LSN, database: String? = nil) {
      (self.id, self.timeline, self.forkLSN, self.database) = (id, timeline, forkLSN, database)
    }
  }

  /// The version of this format.
  public var version = 1
  /// Its name.
  public var id: IncarnationID
  /// nil for the original server.
  public var parent: Parent?
  /// Its first own timeline: the server's when archiving began, or the one that its promotion made.
  public var timeline: TimelineID
  /// PostgreSQL's system identifier, in decimal digits (JSON numbers end at 2^53).
  public var systemIdentifier: String
  /// PostgreSQL's major version.
  public var majorVersion: Int
  /// Bytes of a WAL segment.
  public var segmentBytes: UInt64
  /// When this was written, by the writer's clock.
  public var createdAt: PostgresTime

  /// An incarnation of the system `systemIdentifier`.
  public init(
    id: IncarnationID, parent: Parent? = nil, timeline: TimelineID, systemIdentifier: UInt64, majorVersion: Int,
    segmentSize: WALSegmentSize, createdAt: PostgresTime
  ) {
    (self.id, self.parent, self.timeline) = (id, parent, timeline)
    self.systemIdentifier = String(systemIdentifier)
    (self.majorVersion, self.segmentBytes, self.createdAt) = (majorVersion, segmentSize.bytes, createdAt)
  }

  /// The size of its segments; 16 MiB where the document holds nonsense.
  public var segmentSize: WALSegmentSize { WALSegmentSize(bytes: segmentBytes) ?? .standard }
}

extension Incarnation {
  /// The incarnation that a recovery by `plan` made, once it was promoted: `history` is that of its new timeline.
  ///
  /// Store it with `create(in:)` before the new server's WAL is archived.
  public static func fork(
    from plan: RecoveryPlan, history: TimelineHistory, systemIdentifier: UInt64, majorVersion: Int,
    segmentSize: WALSegmentSize, createdAt: PostgresTime, id: IncarnationID = .fresh()
  ) throws -> Incarnation {
    // Not the timeline that recovery was pinned to: replay may have stopped before it began.
    guard let left = history.ancestors.last, let parent = plan.lineage.piece(of: left.timeline) else {
      throw WALError(
        .fileInvalid,
        "timeline \(history.timeline) of the recovered server did not leave one of the timelines along which it was "
          + "recovered (up to \(plan.lineage.timeline)); expected a line for one of them at the end of its history file"
      )
    }
    return Incarnation(
      id: id, parent: Parent(id: parent.incarnation, timeline: left.timeline, forkLSN: left.end),
      timeline: history.timeline,
      systemIdentifier: systemIdentifier, majorVersion: majorVersion, segmentSize: segmentSize, createdAt: createdAt)
  }
}
