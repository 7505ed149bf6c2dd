import NIOCore
import ObjectStore
import Synchronization

/// A store that can be away, as when its server is restarted: every operation then fails in a way worth retrying.
final class FlakyStore: ObjectStore {
  private let base: any ObjectStore
  private let away = Atomic(false)
  private let isHeld: @Sendable (String) -> Bool

  /// Objects whose keys are held never get stored: whoever tries waits until he is cancelled.
  init(_ base: any ObjectStore, holding isHeld: @escaping @Sendable (String) -> Bool = { _ in false }) {
    (self.base, self.isHeld) = (base, isHeld)
  }

  var isAway: Bool {
    get { away.load(ordering: .relaxed) }
    set { away.store(newValue, ordering: .relaxed) }
  }

  private func check(_ operation: String) throws {
    if isAway { throw ObjectStoreError(.endpointUnreachable, operation: operation, message: "the test took it away") }
  }

  func put(_ key: String, _ body: ByteBuffer, condition: PutCondition) async throws -> ObjectInfo {
    try check("put")
    if isHeld(key) { try await Task.sleep(for: .seconds(3600)) }
    return try await base.put(key, body, condition: condition)
  }

  func put<S: AsyncSequence & Sendable>(
    _ key: String, stream: S, condition: PutCondition
  ) async throws -> ObjectInfo where S.Element == ByteBuffer {
    try check("put")
    return try await base.put(key, stream: stream, condition: condition)
  }

  func get(_ key: String, range: Range<Int64>?) async throws -> ByteBuffer {
    try check("get")
    return try await base.get(key, range: range)
  }

  func stream(_ key: String, range: Range<Int64>?) async throws -> ObjectBody {
    try check("get")
    return try await base.stream(key, range: range)
  }

  func head(_ key: String) async throws -> ObjectInfo {
    try check("head")
    return try await base.head(key)
  }

  func list(prefix: String, startAfter: String?) -> ObjectListing { base.list(prefix: prefix, startAfter: startAfter) }

  func commonPrefixes(prefix: String, delimiter: String) async throws -> [String] {
    try check("list")
    return try await base.commonPrefixes(prefix: prefix, delimiter: delimiter)
  }

  func delete(_ keys: [String]) async throws {
    try check("delete")
    try await base.delete(keys)
  }
}
