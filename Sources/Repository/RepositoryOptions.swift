public import Logging

/// How a repository is written and read. Every default stands for one process on a small machine.
public struct RepositoryOptions: Sendable {
  /// The cost of the password of a repository that is created.
  public var scrypt = ScryptParameters.standard
  /// The level at which blobs are compressed.
  public var compressionLevel = Zstd.defaultLevel
  /// Bytes of a pack at most: 16 MiB, as restic's default; less where the budget is small.
  public var packSize = 16 << 20
  /// Bytes that one writer or one read of many blobs holds at most: 64 MiB, four packs. Twice as much was no faster
  /// where the server is near; over a line on which it is, give more.
  public var byteBudget = 64 << 20
  /// Packs that one writer uploads at once, and ranges that one read fetches at once.
  public var connections = 4
  /// How long an uploaded pack may wait for its entry in an index file: what a crash can lose.
  public var indexInterval: Duration = .seconds(30)
  /// How often a lock is renewed; restic takes one of 30 minutes for stale.
  public var lockRefreshInterval: Duration = .seconds(300)
  /// How long a lock that could not be renewed still counts for its holder: less than for others, who take it for stale
  /// after 30 minutes, since clocks and disks may lag.
  package var lockTrustedFor: Duration = LockFile.staleAfter - .seconds(450)
  /// How long to wait between creating a lock and looking for one that was created meanwhile.
  public var lockSettleTime: Duration = .milliseconds(200)
  /// Where warnings go.
  public var logger = Logger(label: "tidemark.repository")

  /// The defaults.
  public init() {}
}
