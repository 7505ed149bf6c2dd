internal import AsyncHTTPClient
public import NIOCore
internal import NIOHTTP1

extension S3Store {
  public func get(_ key: String, range: Range<Int64>?) async throws -> ByteBuffer {
    try await stream(key, range: range).collected()
  }

  public func stream(_ key: String, range: Range<Int64>?) async throws -> ObjectBody {
    try ObjectKeyRules.check(key, operation: "get")
    if let range, range.isEmpty { return try await empty(key, range) }
    let download = S3Download(transport, key: key, range: range)
    let (info, length) = try await download.open()
    return ObjectBody(info: info, length: length) { try await download.next() }
  }

  /// HTTP has no word for no bytes.
  private func empty(_ key: String, _ range: Range<Int64>) async throws -> ObjectBody {
    let info = try await headers(of: key, operation: "get").info
    guard range.lowerBound >= 0, range.upperBound <= info.size else {
      throw ObjectStoreError.beyondTheEnd(range, size: info.size, key: key)
    }
    return ObjectBody(info: info, length: 0) { nil }
  }
}
