/// How archiving stands: what `status.archiving` of a Database shows.
public struct WALReceiverStatus: Sendable, Hashable, Codable {
  /// Where a receiver is in its life.
  public enum Phase: String, Sendable, Codable {
    /// Connecting to the server, or finding out where to begin.
    case starting = "Starting"
    /// WAL comes in.
    case streaming = "Streaming"
    /// The server or the store cannot be reached; it is tried again. `message` says why.
    case retrying = "Retrying"
  }

  /// Where it is in its life.
  public var phase: Phase = .starting
  /// Whose archive it writes; nil before the server was reached for the first time.
  public var incarnation: IncarnationID?
  /// The slot that it reads from.
  public var slot: String
  /// The timeline that it follows.
  public var timeline: TimelineID?
  /// The last whole segment that is durable.
  public var lastSegment: String?
  /// The position up to which everything is durable.
  public var lastLSN: LSN?
  /// The latest commit that is durable, by the server's clock.
  public var lastCommitTime: PostgresTime?
  /// Bytes that the server has and the archive has not.
  public var lagBytes: UInt64 = 0
  /// How long the oldest of them have been waiting, in seconds.
  public var lagSeconds: Double = 0
  /// A gap that was recorded since the receiver began: a new base backup is needed.
  public var newGap: WALGap?
  /// What went wrong last, while `phase` is `retrying`.
  public var message: String?

  init(slot: String) { self.slot = slot }
}
