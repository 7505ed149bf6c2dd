public import NIOCore
internal import NIOPosix
internal import Synchronization

/// A directory of a local (or mounted) file system as an object store.
///
/// Objects are files, whole from the moment they have their name: bytes go to a temporary file below `%tmp`, which is
/// synced to disk and then linked to its name (create: link(2) fails where something is) or renamed over it (replace);
/// then the directory is synced. Temporary files that a crash left are removed after a day.
///
/// Assumes a file system with hard links and atomic rename. Several processes may share a root; only an object whose
/// key is also a directory of other keys (`a` beside `a/b`) must not be overwritten by two processes at once.
///
/// File calls run on NIO's pool of blocking threads. The root is created by the first put.
public final class DirectoryStore: ObjectStore {
  /// The root, without a slash at its end.
  let root: String
  let placing = Placing()
  private let sweptTemporaries = Atomic<Bool>(false)

  /// Bytes that a stream reads at a time.
  static let pieceSize = 256 * 1_024

  /// A store below `root`, which need not exist yet.
  public init(root: String) {
    self.root = root.count > 1 && root.hasSuffix("/") ? String(root.dropLast()) : root
  }

  @discardableResult
  public func put(_ key: String, _ body: ByteBuffer, condition: PutCondition) async throws -> ObjectInfo {
    try ObjectKeyRules.check(key, operation: "put")
    return try await blocking("put", key) { store in
      let file = try store.newFile(for: key)
      try file.append(body)
      return try store.commit(file, as: key, condition)
    }
  }

  @discardableResult
  public func put(
    _ key: String, _ body: ByteBuffer, sha256: ContentSHA256, condition: PutCondition
  ) async throws -> ObjectInfo {
    guard ContentSHA256(of: body) == sha256 else {
      throw ObjectStoreError(
        .corrupted, operation: "put", key: key,
        message: "the bytes do not have the digest \(sha256) that came with them; nothing was stored")
    }
    return try await put(key, body, condition: condition)
  }

  @discardableResult
  public func put<S: AsyncSequence & Sendable>(
    _ key: String, stream: S, condition: PutCondition
  ) async throws -> ObjectInfo where S.Element == ByteBuffer {
    try ObjectKeyRules.check(key, operation: "put")
    let file = try await blocking("put", key) { try $0.newFile(for: key) }
    for try await piece in stream {
      try await blocking("put", key) { _ in try file.append(piece) }
    }
    return try await blocking("put", key) { try $0.commit(file, as: key, condition) }
  }

  public func get(_ key: String, range: Range<Int64>?) async throws -> ByteBuffer {
    try ObjectKeyRules.check(key, operation: "get")
    return try await blocking("get", key) { store in
      let file = try store.open(key, "get")
      let range = try file.checked(range)
      return try file.read(at: range.lowerBound, count: Int(range.upperBound - range.lowerBound))
    }
  }

  public func stream(_ key: String, range: Range<Int64>?) async throws -> ObjectBody {
    try ObjectKeyRules.check(key, operation: "get")
    let (file, range) = try await blocking("get", key) { store in
      let file = try store.open(key, "get")
      return (file, try file.checked(range))
    }
    let position = Position(range.lowerBound)
    return ObjectBody(info: file.info, length: range.upperBound - range.lowerBound) {
      let (from, count) = position.advance(by: Self.pieceSize, upTo: range.upperBound)
      if count == 0 { return nil }
      return try await self.blocking("get", key) { _ in try file.read(at: from, count: count) }
    }
  }

  public func head(_ key: String) async throws -> ObjectInfo {
    try ObjectKeyRules.check(key, operation: "head")
    return try await blocking("head", key) { try $0.open(key, "head").info }
  }

  public func list(prefix: String, startAfter: String?) -> ObjectListing {
    ObjectListing {
      let walk = DirectoryWalk(root: self.root, prefix: prefix, startAfter: startAfter)
      return { try await self.blocking("list", prefix) { _ in try walk.page() } }
    }
  }

  public func commonPrefixes(prefix: String, delimiter: String) async throws -> [String] {
    try await blocking("list", prefix) { store in
      var found: [String] = []
      var startAfter: String?
      // Each round begins behind the last prefix found, and the walk leaves out what lies below it.
      while let next = try DirectoryWalk(root: store.root, prefix: prefix, startAfter: startAfter)
        .firstPrefix(delimiter: delimiter)
      {
        found.append(next)
        startAfter = next + "\u{10FFFF}"
      }
      return found
    }
  }

  public func delete(_ keys: [String]) async throws {
    for key in keys { try ObjectKeyRules.check(key, operation: "delete") }
    try await blocking("delete", keys.first) { store in
      for key in keys { try store.remove(key) }
    }
  }

  /// Temporary files do not tell whose key they would have got: all that are old enough are removed, whatever `prefix`.
  public func abortUnfinishedPuts(prefix: String, olderThan age: Duration) async throws -> Int {
    try await blocking("delete", nil) { TemporaryFile.removeStale(root: $0.root, olderThan: age) }
  }

  private func newFile(for key: String) throws -> TemporaryFile {
    if !sweptTemporaries.exchange(true, ordering: .relaxed) { TemporaryFile.removeStale(root: root) }
    return try TemporaryFile(root: root, key: key)
  }

  /// Runs `body` on a thread that may block.
  private func blocking<R: Sendable>(
    _ operation: String, _ key: String?, _ body: @escaping @Sendable (DirectoryStore) throws -> R
  ) async throws -> R {
    guard !Task.isCancelled else {
      throw ObjectStoreError(.cancelled, operation: operation, key: key, message: "the task was cancelled")
    }
    return try await NIOThreadPool.singleton.runIfActive { try body(self) }
  }
}
