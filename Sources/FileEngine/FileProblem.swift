/// A file or an object that is not in a backup as it was.
public struct FileProblem: Sendable, Hashable, CustomStringConvertible {
  /// What happened.
  public enum Kind: String, Sendable, Hashable {
    /// It was listed, and gone when it was to be read. It is not in the snapshot, as it is not where it was.
    case vanished
    /// It changed each time it was read. It is in the snapshot as it was read last.
    case changed
    /// It could not be read. It is not in the snapshot.
    case unreadable
  }

  /// Its path or key.
  public let path: String
  /// What happened.
  public let kind: Kind
  /// Why, in the words of whoever refused.
  public let message: String

  /// What happened to `path`.
  public init(path: String, kind: Kind, message: String = "") {
    (self.path, self.kind, self.message) = (path, kind, message)
  }

  public var description: String { "\(kind.rawValue): \(path)" + (message.isEmpty ? "" : ": \(message)") }

  /// Whether the backup is less than what was there at some moment.
  public var breaksConsistency: Bool { kind != .vanished }
}

/// Problems as they come: the first are kept, all are counted.
struct FileProblems: Sendable {
  /// How many are kept: what a status and its reader can take.
  static let bound = 100

  private(set) var kept: [FileProblem] = []
  private(set) var breaking = 0
  private(set) var vanished = 0

  mutating func note(_ problem: FileProblem) {
    if problem.breaksConsistency { breaking += 1 } else { vanished += 1 }
    if kept.count < Self.bound { kept.append(problem) }
  }
}
