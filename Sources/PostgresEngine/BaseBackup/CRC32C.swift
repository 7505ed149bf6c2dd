import CChecksum
package import NIOCore

/// CRC-32C (Castagnoli), with which PostgreSQL's backup manifests and WAL records are protected.
package struct CRC32C: Sendable, Equatable {
  /// The checksum of what was taken so far.
  package private(set) var value: UInt32 = 0

  package init() {}

  /// Takes the next bytes.
  package mutating func update(_ bytes: ByteBuffer) {
    bytes.withUnsafeReadableBytes { value = tidemark_crc32c(value, $0.baseAddress, $0.count) }
  }
}
