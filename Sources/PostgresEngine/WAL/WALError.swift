/// What went wrong between the write-ahead log, its archive and a recovery from it.
public struct WALError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The kind of failure. Raw values are stable: they become reasons of conditions and events.
  public enum Code: String, Sendable, Codable, CaseIterable {
    /// The server is another system than the one whose WAL the archive holds.
    case systemMismatch = "SystemMismatch"
    /// The archive holds other bytes where the server's are to go.
    case archiveConflict = "ArchiveConflict"
    /// The archive holds WAL that the server has never written: the server was put back to an earlier state.
    case serverBehindArchive = "ServerBehindArchive"
    /// The server's segment size is not the archive's.
    case segmentSizeMismatch = "SegmentSizeMismatch"
    /// Something that the archive must have is not there.
    case archiveIncomplete = "ArchiveIncomplete"
    /// What is stored is not what was stored.
    case archiveCorrupted = "ArchiveCorrupted"
    /// The target lies outside the recovery window.
    case targetOutsideWindow = "TargetOutsideWindow"
    /// The target lies in a gap of the recovery window.
    case targetInGap = "TargetInGap"
    /// No such transaction or restore point in the archived WAL.
    case targetNotFound = "TargetNotFound"
    /// No base backup can serve.
    case noBaseBackup = "NoBaseBackup"
    /// WAL on the way to the target is missing.
    case walMissing = "WALMissing"
    /// The log on the way to the target creates a tablespace, and its replay could do harm.
    case tablespaceCreated = "TablespaceCreated"
    /// There is no such incarnation.
    case incarnationUnknown = "IncarnationUnknown"
    /// A restored data directory is not what it should be.
    case dataDirectoryInvalid = "DataDirectoryInvalid"
    /// A file of PostgreSQL's cannot be understood.
    case fileInvalid = "FileInvalid"
  }

  /// The kind of failure.
  public let code: Code
  /// What was wrong, what was expected, and what to do next.
  public let message: String

  /// A failure of the kind `code`.
  public init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }

  /// The code and the message.
  public var description: String { "\(code.rawValue): \(message)" }
}
