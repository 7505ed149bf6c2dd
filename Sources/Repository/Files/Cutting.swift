/// How a file is cut into blobs.
public enum Cutting: Sendable, Hashable {
  /// Where restic cuts: an insertion in the middle of a file changes the pieces around it only.
  case contentDefined
  /// Every `bytes` bytes, for files that change in place in pages, as PostgreSQL's relation files do. A multiple of
  /// 8 KiB, at most 16 MiB.
  case fixed(bytes: Int)
}
