/// What a backup of a local directory did.
public struct ArchiveReport: Sendable {
  /// The snapshot, saved.
  public var snapshot: Snapshot
  /// Counts at the end.
  public var progress: ArchiveProgress
  /// What is not in the snapshot as it was on disk; the first thousand of them.
  public var problems: [ArchiveProblem]
  /// How many problems there were in all.
  public var problemCount: Int
}

/// How far a backup of a local directory has come.
public struct ArchiveProgress: Sendable, Hashable {
  /// Files that the parent snapshot does not have.
  public var filesNew = 0
  /// Files that the parent snapshot has otherwise.
  public var filesChanged = 0
  /// Files that are as in the parent snapshot, and were not read.
  public var filesUnmodified = 0
  /// Directories whose entries are all stored.
  public var directories = 0
  /// Links, devices and pipes.
  public var others = 0
  /// Bytes of files that were read.
  public var bytesRead: Int64 = 0
  /// Bytes of all files so far, read or not.
  public var bytesDone: Int64 = 0

  /// Files so far.
  public var filesDone: Int { filesNew + filesChanged + filesUnmodified }
}

/// Something that could not be stored as it was on disk.
public struct ArchiveProblem: Sendable, Hashable, CustomStringConvertible {
  /// What happened.
  public enum Kind: String, Sendable, Hashable {
    /// It was there when the directory was listed, and gone when it was to be read. It is not in the snapshot.
    case vanished
    /// Its content or attributes changed while it was read. It is in the snapshot as it was read.
    case changedWhileRead
    /// The system did not let us read it. It is not in the snapshot.
    case unreadable
    /// A socket: it means nothing without its process, and like restic we leave it out.
    case socket
  }

  /// Where.
  public let path: ByteString
  /// What happened.
  public let kind: Kind
  /// The system's words, if any.
  public let message: String

  /// Kind, path and message on a line.
  public var description: String { "\(kind.rawValue): \(path)" + (message.isEmpty ? "" : ": \(message)") }
}
