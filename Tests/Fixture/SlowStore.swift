import NIOCore
import ObjectStore

/// A store on a line of limited bandwidth, which all operations share.
final class SlowStore: ObjectStore {
  private let base: any ObjectStore
  private let line: Line

  init(_ base: any ObjectStore, bytesPerSecond: Int) {
    (self.base, line) = (base, Line(bytesPerSecond: bytesPerSecond))
  }

  func put(_ key: String, _ body: ByteBuffer, condition: PutCondition) async throws -> ObjectInfo {
    try await line.carry(body.readableBytes)
    return try await base.put(key, body, condition: condition)
  }

  func put<S: AsyncSequence & Sendable>(
    _ key: String, stream: S, condition: PutCondition
  ) async throws -> ObjectInfo where S.Element == ByteBuffer {
    let line = line
    let slowly = stream.map { piece in
      try await line.carry(piece.readableBytes)
      return piece
    }
    return try await base.put(key, stream: slowly, condition: condition)
  }

  func get(_ key: String, range: Range<Int64>?) async throws -> ByteBuffer {
    let bytes = try await base.get(key, range: range)
    try await line.carry(bytes.readableBytes)
    return bytes
  }

  func stream(_ key: String, range: Range<Int64>?) async throws -> ObjectBody {
    let body = try await base.stream(key, range: range)
    try await line.carry(Int(body.length))
    return body
  }

  func head(_ key: String) async throws -> ObjectInfo { try await base.head(key) }

  func list(prefix: String, startAfter: String?) -> ObjectListing { base.list(prefix: prefix, startAfter: startAfter) }

  func commonPrefixes(prefix: String, delimiter: String) async throws -> [String] {
    try await base.commonPrefixes(prefix: prefix, delimiter: delimiter)
  }

  func delete(_ keys: [String]) async throws { try await base.delete(keys) }
}

/// Lets bytes pass one after the other.
private actor Line {
  private let bytesPerSecond: Int
  private var free = ContinuousClock.now

  init(bytesPerSecond: Int) { self.bytesPerSecond = bytesPerSecond }

  func carry(_ bytes: Int) async throws {
    free = max(free, .now) + .seconds(Double(bytes) / Double(bytesPerSecond))
    try await Task.sleep(until: free)
  }
}
