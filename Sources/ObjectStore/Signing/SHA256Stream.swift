internal import COpenSSL
internal import NIOCore

/// SHA-256 of bytes that come in pieces.
final class SHA256Stream {
  private let context: OpaquePointer?

  init() {
    context = EVP_MD_CTX_new()
    EVP_DigestInit_ex(context, EVP_sha256(), nil)
  }

  deinit { EVP_MD_CTX_free(context) }

  func update(_ piece: ByteBuffer) {
    piece.withUnsafeReadableBytes { _ = EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
  }

  /// The digest of all that came; call it once, last.
  func finish() -> ContentSHA256? {
    var digest = [UInt8](repeating: 0, count: 32)
    guard EVP_DigestFinal_ex(context, &digest, nil) == 1 else { return nil }
    return ContentSHA256(bytes: digest)
  }
}

/// HMAC-SHA-256 of `message` under `key`.
func hmacSHA256(_ key: [UInt8], _ message: String) -> [UInt8] {
  var message = message
  return message.withUTF8 { message in
    var out = [UInt8](repeating: 0, count: 32)
    var count: CUnsignedInt = 0
    _ = HMAC(EVP_sha256(), key, CInt(key.count), message.baseAddress, message.count, &out, &count)
    return out
  }
}
