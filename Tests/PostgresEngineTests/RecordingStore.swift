import NIOCore
import ObjectStore
import Synchronization

/// A store that remembers in which order objects were stored.
final class RecordingStore: ObjectStore {
  private let base: any ObjectStore
  private let keys = Mutex([String]())

  init(_ base: any ObjectStore) { self.base = base }

  /// The keys of the objects that are durable, in the order in which they became so.
  var stored: [String] { keys.withLock { $0 } }

  func put(_ key: String, _ body: ByteBuffer, condition: PutCondition) async throws -> ObjectInfo {
    let info = try await base.put(key, body, condition: condition)
    keys.withLock { $0.append(key) }
    return info
  }

  func put<S: AsyncSequence & Sendable>(
    _ key: String, stream: S, condition: PutCondition
  ) async throws -> ObjectInfo where S.Element == ByteBuffer {
    let info = try await base.put(key, stream: stream, condition: condition)
    keys.withLock { $0.append(key) }
    return info
  }

  func get(_ key: String, range: Range<Int64>?) async throws -> ByteBuffer { try await base.get(key, range: range) }

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
