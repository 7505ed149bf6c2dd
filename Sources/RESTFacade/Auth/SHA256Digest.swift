internal import COpenSSL
import NIOCore

/// The SHA-256 of something that is not kept itself: a token, a key, a body.
package struct SHA256Digest: Hashable, Sendable, CustomStringConvertible {
  let bytes: [UInt8]

  package init(of text: String) {
    var text = text
    bytes = text.withUTF8 { Self.digest(UnsafeRawBufferPointer($0)) }
  }

  init(of buffer: ByteBuffer) { bytes = buffer.withUnsafeReadableBytes { Self.digest($0) } }

  fileprivate init(bytes: [UInt8]) { self.bytes = bytes }

  /// Reads 64 hexadecimal digits; nil where `text` is something else.
  init?(hexadecimal text: String) {
    let digits = Array(text.utf8)
    guard digits.count == 64 else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: 64, by: 2) {
      guard let high = Self.value(digits[index]), let low = Self.value(digits[index + 1]) else { return nil }
      bytes.append(high << 4 | low)
    }
    self.bytes = bytes
  }

  /// Whether both are equal, in a time that does not depend on where they differ.
  func matches(_ other: [UInt8]) -> Bool { other.count == bytes.count && CRYPTO_memcmp(bytes, other, bytes.count) == 0 }

  /// 64 lower-case hexadecimal digits.
  package var description: String { hexadecimal(32) }

  /// The first `count` bytes, two lower-case digits each.
  func hexadecimal(_ count: Int) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: bytes.prefix(count).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  private static func digest(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    _ = SHA256(bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, &digest)
    return digest
  }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case 0x30...0x39: digit - 0x30
    case 0x61...0x66: digit - 0x57
    default: nil
    }
  }
}

/// The SHA-256 of bytes that come in pieces, one after the other.
final class SHA256Pieces: @unchecked Sendable {
  // Only ever used by the one task that reads a body.
  private let context = EVP_MD_CTX_new()

  init() { EVP_DigestInit_ex(context, EVP_sha256(), nil) }

  deinit { EVP_MD_CTX_free(context) }

  func update(_ piece: ByteBuffer) {
    piece.withUnsafeReadableBytes { _ = EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
  }

  /// The digest of all that came; called once, last.
  func finish() -> SHA256Digest {
    var digest = [UInt8](repeating: 0, count: 32)
    EVP_DigestFinal_ex(context, &digest, nil)
    return SHA256Digest(bytes: digest)
  }
}
