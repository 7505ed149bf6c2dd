import COpenSSL
public import NIOCore

/// The SHA-256 of some bytes, ordered as its hexadecimal form is.
public struct SHA256Digest: Hashable, Comparable, Sendable {
  /// The number of bytes in a digest.
  public static let byteCount = 32

  /// The 32 bytes as four big-endian words.
  package let word0, word1, word2, word3: UInt64

  package init(_ word0: UInt64, _ word1: UInt64, _ word2: UInt64, _ word3: UInt64) {
    self.word0 = word0
    self.word1 = word1
    self.word2 = word2
    self.word3 = word3
  }

  /// The digest of the readable bytes of `buffer`.
  public init(hashing buffer: ByteBuffer) {
    self = buffer.withUnsafeReadableBytes { SHA256Digest(hashing: $0) }
  }

  /// The digest of `bytes`.
  public init(hashing bytes: UnsafeRawBufferPointer) {
    self = withUnsafeTemporaryAllocation(byteCount: Self.byteCount, alignment: 8) { result in
      let outcome = EVP_Digest(
        bytes.baseAddress, bytes.count, result.baseAddress?.assumingMemoryBound(to: UInt8.self), nil,
        Self.algorithm.pointer, nil)
      precondition(outcome == 1, "OpenSSL could not compute a SHA-256: its provider of digests is not available")
      return SHA256Digest(copying: UnsafeRawBufferPointer(result))
    }
  }

  /// The digest whose 32 bytes lie at the beginning of `bytes`, which must hold that many.
  public init(copying bytes: UnsafeRawBufferPointer) {
    precondition(bytes.count >= Self.byteCount)
    word0 = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
    word1 = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    word2 = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
    word3 = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self))
  }

  /// Reads 64 hexadecimal digits; nil when `text` is anything else.
  public init?(hexadecimal text: some StringProtocol) {
    var copy = String(text)
    guard let digest = copy.withUTF8({ SHA256Digest(hexadecimalDigits: UnsafeRawBufferPointer($0)) }) else {
      return nil
    }
    self = digest
  }

  /// Reads 64 hexadecimal digits in ASCII; nil when `digits` are anything else.
  public init?(hexadecimalDigits digits: UnsafeRawBufferPointer) {
    guard digits.count == 2 * Self.byteCount else { return nil }
    func word(at start: Int) -> UInt64? {
      var value: UInt64 = 0
      for index in start..<start + 16 {
        guard let digit = hexadecimalValue(of: digits[index]) else { return nil }
        value = value << 4 | UInt64(digit)
      }
      return value
    }
    guard let word0 = word(at: 0), let word1 = word(at: 16), let word2 = word(at: 32), let word3 = word(at: 48)
    else { return nil }
    self.init(word0, word1, word2, word3)
  }

  /// Stores the 32 bytes at the beginning of `bytes`, which must have room.
  public func copy(to bytes: UnsafeMutableRawBufferPointer) {
    precondition(bytes.count >= Self.byteCount)
    bytes.storeBytes(of: word0.bigEndian, toByteOffset: 0, as: UInt64.self)
    bytes.storeBytes(of: word1.bigEndian, toByteOffset: 8, as: UInt64.self)
    bytes.storeBytes(of: word2.bigEndian, toByteOffset: 16, as: UInt64.self)
    bytes.storeBytes(of: word3.bigEndian, toByteOffset: 24, as: UInt64.self)
  }

  /// 64 lower-case hexadecimal digits.
  public var hexadecimal: String {
    String(unsafeUninitializedCapacity: 2 * Self.byteCount) { digits in
      writeHexadecimal(to: UnsafeMutableRawBufferPointer(digits))
      return 2 * Self.byteCount
    }
  }

  /// Writes 64 lower-case hexadecimal digits in ASCII to the beginning of `digits`.
  public func writeHexadecimal(to digits: UnsafeMutableRawBufferPointer) {
    precondition(digits.count >= 2 * Self.byteCount)
    write(word0, to: digits, at: 0)
    write(word1, to: digits, at: 16)
    write(word2, to: digits, at: 32)
    write(word3, to: digits, at: 48)
  }

  private func write(_ word: UInt64, to digits: UnsafeMutableRawBufferPointer, at start: Int) {
    for index in 0..<16 {
      let nibble = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * index)) & 0xF
      digits[start + index] = nibble < 10 ? 0x30 + nibble : 0x57 + nibble
    }
  }

  public static func < (left: SHA256Digest, right: SHA256Digest) -> Bool {
    if left.word0 != right.word0 { return left.word0 < right.word0 }
    if left.word1 != right.word1 { return left.word1 < right.word1 }
    if left.word2 != right.word2 { return left.word2 < right.word2 }
    return left.word3 < right.word3
  }

  /// The bytes are random already, so one word is hash enough.
  public func hash(into hasher: inout Hasher) { hasher.combine(word0) }

  /// SHA-256 as fetched once from OpenSSL, whose lookup by name is slower than hashing a small blob.
  private static let algorithm = FetchedDigest("SHA2-256")
}

private struct FetchedDigest: @unchecked Sendable {  // an EVP_MD does not change once fetched
  let pointer: OpaquePointer

  init(_ name: String) {
    guard let pointer = EVP_MD_fetch(nil, name, nil) else {
      preconditionFailure("OpenSSL does not offer \(name): its default provider is not available")
    }
    self.pointer = pointer
  }
}

func hexadecimalValue(of digit: UInt8) -> UInt8? {
  switch digit {
  case 0x30...0x39: digit - 0x30
  case 0x61...0x66: digit - 0x57
  case 0x41...0x46: digit - 0x37
  default: nil
  }
}
