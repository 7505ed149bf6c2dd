public import NIOCore

/// A flat space of named objects: a bucket, or a directory that plays one.
///
/// Guarantees, for every conformer:
/// - An object is either absent or whole. A `put` that failed, was cancelled or lost its process leaves either the old
///   state or the new one, never a part.
/// - When `put` returns, the object is durable and every later `get`, `head` and `list` sees it.
/// - `PutCondition.ifAbsent` is atomic between any number of processes: exactly one of several wins.
/// - Listings come in the order of the keys' UTF-8 bytes.
///
/// Keys are 1 to 1,024 bytes of UTF-8 without a leading slash. Any character is allowed, NUL excepted.
/// Everything that fails throws `ObjectStoreError` (or what the caller's own stream threw).
/// A cancelled task ends in `ObjectStoreError.Code.cancelled` or `CancellationError`.
public protocol ObjectStore: Sendable {
  /// Stores `body` under `key`; it is durable on return.
  ///
  /// Throws `.alreadyExists` when `condition` is `.ifAbsent` and another writer's object is there.
  @discardableResult
  func put(_ key: String, _ body: ByteBuffer, condition: PutCondition) async throws -> ObjectInfo

  /// As `put(_:_:condition:)`, for a caller who has the SHA-256 of `body` already, which saves a store that signs or
  /// verifies contents from computing it again. A wrong digest makes the put fail.
  @discardableResult
  func put(_ key: String, _ body: ByteBuffer, sha256: ContentSHA256, condition: PutCondition) async throws -> ObjectInfo

  /// Stores the bytes of `stream` under `key`, with bounded memory whatever their number.
  ///
  /// An error that `stream` throws ends the put: nothing is stored, and the error is rethrown.
  @discardableResult
  func put<S: AsyncSequence & Sendable>(_ key: String, stream: S, condition: PutCondition) async throws -> ObjectInfo
  where S.Element == ByteBuffer

  /// The bytes of `key`, or those at `range` of it, whole in memory. Verified where the store keeps checksums.
  ///
  /// A range that reaches past the end throws `.invalidRequest`.
  func get(_ key: String, range: Range<Int64>?) async throws -> ByteBuffer

  /// As `get(_:range:)`, a piece at a time. A download that breaks is resumed where it broke.
  func stream(_ key: String, range: Range<Int64>?) async throws -> ObjectBody

  /// Size and age of `key`; `.notFound` when there is no such object.
  func head(_ key: String) async throws -> ObjectInfo

  /// The objects whose keys begin with `prefix` and lie after `startAfter`, in the order of their keys. Pages are
  /// fetched as the caller gets to them.
  func list(prefix: String, startAfter: String?) -> ObjectListing

  /// The distinct beginnings, up to and with the first `delimiter` after `prefix`, of keys below `prefix`, in order.
  func commonPrefixes(prefix: String, delimiter: String) async throws -> [String]

  /// Removes the objects; keys that are absent are no error.
  func delete(_ keys: [String]) async throws

  /// Frees what puts took whose processes died: those of keys that begin with `prefix`, and that began longer ago than
  /// `age`, which has to be more than any put that is under way may take. Gives how many they were.
  func abortUnfinishedPuts(prefix: String, olderThan age: Duration) async throws -> Int
}

extension ObjectStore {
  /// By default a put that ends takes nothing with it.
  public func abortUnfinishedPuts(prefix: String, olderThan age: Duration) async throws -> Int { 0 }

  /// Stores `body` under `key`, in place of what may be there.
  @discardableResult
  public func put(_ key: String, _ body: ByteBuffer) async throws -> ObjectInfo {
    try await put(key, body, condition: .always)
  }

  /// By default the digest is not needed.
  @discardableResult
  public func put(
    _ key: String, _ body: ByteBuffer, sha256: ContentSHA256, condition: PutCondition
  ) async throws -> ObjectInfo {
    try await put(key, body, condition: condition)
  }

  /// The whole object, in memory.
  public func get(_ key: String) async throws -> ByteBuffer {
    try await get(key, range: nil)
  }

  /// The whole object, a piece at a time.
  public func stream(_ key: String) async throws -> ObjectBody {
    try await stream(key, range: nil)
  }

  /// All objects whose keys begin with `prefix`.
  public func list(prefix: String) -> ObjectListing {
    list(prefix: prefix, startAfter: nil)
  }

  /// Whether there is an object under `key`.
  public func exists(_ key: String) async throws -> Bool {
    do {
      _ = try await head(key)
      return true
    } catch let error as ObjectStoreError where error.code == .notFound {
      return false
    }
  }

  /// Removes one object; an absent one is no error.
  public func delete(_ key: String) async throws {
    try await delete([key])
  }

  /// A view of the store in which every key lies below `prefix`. A slash is put between the two where none is.
  public func scoped(to prefix: String) -> any ObjectStore {
    prefix.isEmpty ? self : ScopedStore(self, prefix: prefix)
  }
}
