import Foundation
import NIOCore

/// JSON as it is stored: sorted keys, so that the same value has the same bytes.
enum StoredJSON {
  static func encode(_ value: some Encodable) throws -> ByteBuffer {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return ByteBuffer(bytes: try encoder.encode(value))
  }

  /// `name` is said in errors.
  static func decode<Value: Decodable>(_ type: Value.Type, _ bytes: ByteBuffer, name: String) throws -> Value {
    do {
      return try JSONDecoder().decode(type, from: Data(bytes.readableBytesView))
    } catch {
      throw WALError(.archiveCorrupted, "'\(name)' is not the JSON that is expected there: \(error)")
    }
  }
}
