/// How far a backup or a restore of files or objects is.
public struct FileProgress: Sendable, Hashable {
  /// Files or objects that are done, read or not.
  public var files: Int64 = 0
  /// Bytes of them.
  public var bytes: Int64 = 0

  /// Nothing done yet.
  public init() {}
}
