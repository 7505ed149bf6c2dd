import NIOCore

/// A kind of file that lies in the repository by itself, outside of packs.
enum UnpackedKind: String, Sendable {
  case index, snapshots, locks

  /// Where the file with this digest lies.
  func key(_ id: SHA256Digest) -> String { "\(rawValue)/\(id.hexadecimal)" }
}

/// The plaintext of such a file: JSON as it is, or the byte 2 and a Zstandard frame of it.
///
/// Source: restic's `doc/design.rst`, "Unpacked Data Format".
enum UnpackedEncoding {
  private static let compressed: UInt8 = 2
  /// No index, snapshot or lock comes near it; a forged frame may not take more memory.
  private static let limit = 1 << 30

  static func encode(_ document: ByteBuffer) throws -> ByteBuffer {
    let frame = try Zstd.compress(document, level: 3)
    var encoded = ByteBufferAllocator().buffer(capacity: frame.readableBytes + 1)
    encoded.writeInteger(compressed)
    encoded.writeImmutableBuffer(frame)
    return encoded
  }

  static func decode(_ encoded: ByteBuffer, of subject: String) throws -> ByteBuffer {
    var rest = encoded
    switch rest.readInteger(as: UInt8.self) {
    case UInt8(ascii: "{"), UInt8(ascii: "["): return encoded
    case compressed: return try Zstd.decompress(rest, limit: limit)
    case .some(let version):
      throw RepositoryError(
        .unsupportedVersion, "\(subject) has encoding version \(version), which is not known here; use a newer Tidemark"
      )
    case .none: throw RepositoryError(.corrupted, "\(subject) is empty inside its seal")
    }
  }
}
