public import NIOCore

/// A view of another store: every key lies below a prefix, which the user of the view never sees.
///
/// Errors name the full key, since that is where a person will look.
public struct ScopedStore: ObjectStore {
  private let base: any ObjectStore
  /// Ends in a slash.
  private let prefix: String

  /// The part of `base` below `prefix`; a slash is added where it does not end in one.
  public init(_ base: any ObjectStore, prefix: String) {
    self.base = base
    self.prefix = prefix.hasSuffix("/") ? prefix : prefix + "/"
  }

  public func put(_ key: String, _ body: ByteBuffer, condition: PutCondition) async throws -> ObjectInfo {
    inside(try await base.put(prefix + key, body, condition: condition))
  }

  public func put(
    _ key: String, _ body: ByteBuffer, sha256: ContentSHA256, condition: PutCondition
  ) async throws -> ObjectInfo {
    inside(try await base.put(prefix + key, body, sha256: sha256, condition: condition))
  }

  public func put<S: AsyncSequence & Sendable>(
    _ key: String, stream: S, condition: PutCondition
  ) async throws -> ObjectInfo where S.Element == ByteBuffer {
    inside(try await base.put(prefix + key, stream: stream, condition: condition))
  }

  public func get(_ key: String, range: Range<Int64>?) async throws -> ByteBuffer {
    try await base.get(prefix + key, range: range)
  }

  public func stream(_ key: String, range: Range<Int64>?) async throws -> ObjectBody {
    let body = try await base.stream(prefix + key, range: range)
    let iterator = body.makeAsyncIterator()
    return ObjectBody(info: inside(body.info), length: body.length, next: iterator.pull)
  }

  public func head(_ key: String) async throws -> ObjectInfo {
    inside(try await base.head(prefix + key))
  }

  public func list(prefix inner: String, startAfter: String?) -> ObjectListing {
    let whole = base.list(prefix: prefix + inner, startAfter: startAfter.map { prefix + $0 })
    return ObjectListing {
      let pages = whole.pages()
      return { try await pages()?.map(inside) }
    }
  }

  public func commonPrefixes(prefix inner: String, delimiter: String) async throws -> [String] {
    try await base.commonPrefixes(prefix: prefix + inner, delimiter: delimiter).map(inside)
  }

  public func delete(_ keys: [String]) async throws {
    try await base.delete(keys.map { prefix + $0 })
  }

  public func abortUnfinishedPuts(prefix inner: String, olderThan age: Duration) async throws -> Int {
    try await base.abortUnfinishedPuts(prefix: prefix + inner, olderThan: age)
  }

  public func scoped(to inner: String) -> any ObjectStore {
    inner.isEmpty ? self : ScopedStore(base, prefix: prefix + inner)
  }

  private func inside(_ info: ObjectInfo) -> ObjectInfo {
    var info = info
    info.key = inside(info.key)
    return info
  }

  private func inside(_ key: String) -> String {
    String(decoding: key.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
  }
}
