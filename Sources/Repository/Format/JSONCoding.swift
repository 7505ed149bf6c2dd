import Foundation
import NIOCore

/// Small JSON documents (config, keys, locks, snapshots), read and written with Foundation.
enum JSONCoding {
  static func decode<Value: Decodable>(_ type: Value.Type, from bytes: ByteBuffer, of subject: String) throws -> Value {
    let data = bytes.withUnsafeReadableBytes { Data($0) }
    do {
      return try JSONDecoder().decode(type, from: data)
    } catch {
      throw RepositoryError(
        .corrupted, "\(subject) is not the JSON that was expected (\(error)); it was not written by restic or Tidemark")
    }
  }

  static func encode(_ value: some Encodable) throws -> ByteBuffer {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      return ByteBuffer(bytes: try encoder.encode(value))
    } catch {
      throw RepositoryError(.invalidRequest, "a value cannot be written as JSON: \(error)")
    }
  }

  static func base64(_ bytes: some Sequence<UInt8>) -> String { Data(bytes).base64EncodedString() }

  static func bytes(base64 text: String) -> [UInt8]? { Data(base64Encoded: text).map { Array($0) } }
}
