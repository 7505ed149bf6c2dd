/// Why a repository could not be read or written.
public struct RepositoryError: Error, Sendable, Hashable, CustomStringConvertible {
  /// A stable name of the reason, the same in logs, events and answers.
  public enum Code: String, Sendable, Hashable, CaseIterable {
    /// There is no repository where one was expected.
    case notFound
    /// There is a repository where a new one was to be made.
    case alreadyExists
    /// No key of the repository opens with the password.
    case wrongPassword
    /// The repository's format is older or newer than what is understood.
    case unsupportedVersion
    /// Stored bytes are not what was written: wrong name, broken seal, unreadable content.
    case corrupted
    /// The snapshot has nothing of the wanted kind at this path.
    case pathNotFound
    /// The local file system refused something.
    case fileSystem
    /// A restore was to go into a directory that holds something.
    case targetNotEmpty
    /// The index does not know the blob, or its pack is missing.
    case blobNotFound
    /// No snapshot has this id or prefix.
    case snapshotNotFound
    /// More than one snapshot has this prefix.
    case snapshotAmbiguous
    /// Another process holds a lock that conflicts.
    case locked
    /// A lock could not be refreshed in time, so others may take it for stale.
    case lockLost
    /// The writer has been closed, or has failed before.
    case writerClosed
    /// What the caller asks for is outside what the format can hold.
    case invalidRequest
    /// OpenSSL or zstd refused to work.
    case library
  }

  /// The stable reason.
  public let code: Code
  /// What was wrong, what was expected, and what to do next.
  public let message: String

  /// An error with a reason and a sentence for people.
  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The code and the message.
  public var description: String { "\(code.rawValue): \(message)" }
}
