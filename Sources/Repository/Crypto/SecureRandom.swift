import COpenSSL

/// Random bytes from OpenSSL's generator, for keys, nonces and ids.
enum SecureRandom {
  static func fill(_ bytes: UnsafeMutableRawBufferPointer) {
    let outcome = RAND_bytes(bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32(bytes.count))
    precondition(outcome == 1, "OpenSSL has no source of random bytes; nothing can be encrypted safely without one")
  }

  static func bytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    bytes.withUnsafeMutableBytes { fill($0) }
    return bytes
  }

  static func word() -> UInt64 {
    var word: UInt64 = 0
    withUnsafeMutableBytes(of: &word) { fill($0) }
    return word
  }
}
