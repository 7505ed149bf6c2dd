/// What a prune did.
public struct PruneReport: Sendable, Hashable {
  /// Snapshots whose data were kept.
  public internal(set) var snapshots = 0
  /// Packs that stayed as they were.
  public internal(set) var packsKept = 0
  /// Packs that were removed because no snapshot needs anything of them.
  public internal(set) var packsRemoved = 0
  /// Packs that were removed because no index file knows them: what backups left that were cut short.
  public internal(set) var packsUnreferenced = 0
  /// Packs of which a part was needed, or that were small: that part is in new packs now, and they were removed.
  public internal(set) var packsRepacked = 0
  /// Packs that were written.
  public internal(set) var packsWritten = 0
  /// Bytes of packs before.
  public internal(set) var bytesBefore: Int64 = 0
  /// Bytes of packs that were removed, of all three kinds.
  public internal(set) var bytesRemoved: Int64 = 0
  /// Bytes of packs that were written.
  public internal(set) var bytesWritten: Int64 = 0
  /// Bytes of blobs that no snapshot needs, and that stayed because that was tolerated.
  public internal(set) var bytesUnused: Int64 = 0
  /// Index files that were removed, after others had taken their place.
  public internal(set) var indexFilesReplaced = 0
  /// Uploads in parts that were freed, whose processes had died.
  public internal(set) var uploadsAborted = 0

  /// Bytes that the repository takes less than before.
  public var bytesFreed: Int64 { bytesRemoved - bytesWritten }
}

/// How far a prune has come.
public struct PruneProgress: Sendable, Hashable {
  /// What is being done.
  public enum Phase: String, Sendable, Hashable, CaseIterable {
    /// Index files are read.
    case readingIndex
    /// Trees are read, to find out what the snapshots need.
    case findingUsed
    /// Packs are packed again.
    case repacking
    /// Index files are written, and those that they replace removed.
    case replacingIndex
    /// Packs are removed.
    case removingPacks
  }

  /// What is being done.
  public let phase: Phase
  /// Index files, trees, or packs so far.
  public let done: Int
  /// How many there will be; nil where that is not known.
  public let total: Int?
}
