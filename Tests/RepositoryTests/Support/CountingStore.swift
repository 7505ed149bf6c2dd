import NIOCore
import ObjectStore
import Synchronization

/// A store that counts requests, and fails or holds puts where a test wants it to.
final class CountingStore: ObjectStore {
  private let base: any ObjectStore
  private let count = Mutex(0)
  /// Called before each put; what it throws is the put's error.
  private let beforePut: @Sendable (String, Int) async throws -> Void

  init(_ base: any ObjectStore, beforePut: @escaping @Sendable (String, Int) async throws -> Void = { _, _ in }) {
    self.base = base
    self.beforePut = beforePut
  }

  var gets: Int { count.withLock { $0 } }

  func put(_ key: String, _ body: ByteBuffer, condition: PutCondition) async throws -> ObjectInfo {
    try await beforePut(key, body.readableBytes)
    return try await base.put(key, body, condition: condition)
  }

  func put<S: AsyncSequence & Sendable>(_ key: String, stream: S, condition: PutCondition) async throws -> ObjectInfo
  where S.Element == ByteBuffer {
    try await base.put(key, stream: stream, condition: condition)
  }

  func get(_ key: String, range: Range<Int64>?) async throws -> ByteBuffer {
    count.withLock { $0 += 1 }
    return try await base.get(key, range: range)
  }

  func stream(_ key: String, range: Range<Int64>?) async throws -> ObjectBody {
    try await base.stream(key, range: range)
  }

  func head(_ key: String) async throws -> ObjectInfo { try await base.head(key) }

  func list(prefix: String, startAfter: String?) -> ObjectListing { base.list(prefix: prefix, startAfter: startAfter) }

  func commonPrefixes(prefix: String, delimiter: String) async throws -> [String] {
    try await base.commonPrefixes(prefix: prefix, delimiter: delimiter)
  }

  func delete(_ keys: [String]) async throws { try await base.delete(keys) }
}
