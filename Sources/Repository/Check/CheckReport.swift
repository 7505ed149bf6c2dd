/// How deep a check looks.
public enum CheckDepth: Sendable, Hashable {
  /// Index, sizes of packs, and that everything that snapshots refer to is there.
  case structure
  /// The same, and every byte of every pack.
  case everyByte
}

/// What a check found.
public struct CheckReport: Sendable, Hashable {
  /// One thing that a check found.
  public struct Finding: Sendable, Hashable, CustomStringConvertible {
    /// What kind of thing; stable.
    public enum Kind: String, Sendable, Hashable {
      case packMissing, packSize, packDamaged, blobDamaged, blobMissing, treeUnreadable, snapshotUnreadable
      case indexUnreadable, packNotIndexed, indexMismatch
    }

    /// What kind of thing.
    public let kind: Kind
    /// What it is about, and what to do.
    public let message: String

    /// The kind and the message.
    public var description: String { "\(kind.rawValue): \(message)" }
  }

  /// What makes some snapshot impossible to restore in full.
  public internal(set) var errors: [Finding] = []
  /// What is odd, but costs space only: packs of backups that were cut short, for example.
  public internal(set) var warnings: [Finding] = []
  /// Snapshots that were looked at.
  public internal(set) var snapshots = 0
  /// Distinct trees that were looked at.
  public internal(set) var trees = 0
  /// Packs that the index lists.
  public internal(set) var packs = 0
  /// Blobs that the index lists.
  public internal(set) var blobs = 0
  /// Blobs that are stored more than once, counting every time but the first: space that a prune gives back.
  public internal(set) var redundantBlobs = 0
  /// Bytes that were read from packs.
  public internal(set) var bytesRead: Int64 = 0

  /// Whether every snapshot can be restored, as far as the check looked.
  public var isSound: Bool { errors.isEmpty }
}
