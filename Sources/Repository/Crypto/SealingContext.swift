import COpenSSL

/// OpenSSL's contexts for one key, made once and used for many messages by one caller at a time.
///
/// A sealed message is `IV ‖ AES-256-CTR(plaintext) ‖ Poly1305-AES`, with the IV as the nonce of both, as restic's
/// `doc/design.rst` says.
final class SealingContext: @unchecked Sendable {  // RepositoryKey hands it to one caller at a time
  static let nonceLength = 16
  static let tagLength = 16

  private let counterMode: OpaquePointer
  private let nonceCipher: OpaquePointer
  private let authenticator: OpaquePointer
  private let material: KeyMaterial

  init(_ material: KeyMaterial) throws {
    guard let counterMode = EVP_CIPHER_CTX_new(), let nonceCipher = EVP_CIPHER_CTX_new(),
      let authenticator = EVP_MAC_CTX_new(Self.poly1305.pointer),
      EVP_EncryptInit_ex(counterMode, EVP_aes_256_ctr(), nil, material.encryption, nil) == 1,
      EVP_EncryptInit_ex(nonceCipher, EVP_aes_128_ecb(), nil, material.authenticationKey, nil) == 1,
      EVP_CIPHER_CTX_set_padding(nonceCipher, 0) == 1
    else {
      throw RepositoryError(.library, "OpenSSL could not set up AES and Poly1305; is its default provider active?")
    }
    self.counterMode = counterMode
    self.nonceCipher = nonceCipher
    self.authenticator = authenticator
    self.material = material
  }

  deinit {
    EVP_CIPHER_CTX_free(counterMode)
    EVP_CIPHER_CTX_free(nonceCipher)
    EVP_MAC_CTX_free(authenticator)
  }

  /// Writes nonce, ciphertext and tag to `output`, which has room for `plaintext.count + 32` bytes. The plaintext may
  /// lie at `output + 16` already: then it is encrypted in place.
  func seal(_ plaintext: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer) throws {
    let nonce = UnsafeMutableRawBufferPointer(start: output, count: Self.nonceLength)
    SecureRandom.fill(nonce)
    let ciphertext = output + Self.nonceLength
    try applyKeyStream(nonce: output, plaintext, into: ciphertext)
    try authenticate(
      nonce: output, UnsafeRawBufferPointer(start: ciphertext, count: plaintext.count),
      into: ciphertext + plaintext.count)
  }

  /// Writes the plaintext of `sealed` to `output`, which has room for `sealed.count - 32` bytes; false, and nothing
  /// written, when the seal is broken.
  func open(_ sealed: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer) throws -> Bool {
    guard let start = sealed.baseAddress, sealed.count >= Self.nonceLength + Self.tagLength else { return false }
    let length = sealed.count - Self.nonceLength - Self.tagLength
    let ciphertext = UnsafeRawBufferPointer(start: start + Self.nonceLength, count: length)
    let isGenuine = try withUnsafeTemporaryAllocation(byteCount: Self.tagLength, alignment: 8) { tag in
      guard let expected = tag.baseAddress else { return false }
      try authenticate(nonce: start, ciphertext, into: expected)
      return CRYPTO_memcmp(expected, start + Self.nonceLength + length, Self.tagLength) == 0
    }
    guard isGenuine else { return false }
    try applyKeyStream(nonce: start, ciphertext, into: output)
    return true
  }

  private func applyKeyStream(
    nonce: UnsafeRawPointer, _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer
  ) throws {
    var written: Int32 = 0
    guard
      EVP_EncryptInit_ex(counterMode, nil, nil, nil, nonce.assumingMemoryBound(to: UInt8.self)) == 1
    else { throw RepositoryError(.library, "OpenSSL refused an initialisation vector for AES-256-CTR") }
    guard let source = input.baseAddress, input.count > 0 else { return }
    guard input.count <= Int(Int32.max),
      EVP_EncryptUpdate(
        counterMode, output.assumingMemoryBound(to: UInt8.self), &written,
        source.assumingMemoryBound(to: UInt8.self), Int32(input.count)) == 1
    else { throw RepositoryError(.library, "OpenSSL could not apply AES-256-CTR to \(input.count) bytes") }
  }

  private func authenticate(
    nonce: UnsafeRawPointer, _ message: UnsafeRawBufferPointer, into tag: UnsafeMutableRawPointer
  ) throws {
    try withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { oneTimeKey in
      guard let key = oneTimeKey.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
      defer { OPENSSL_cleanse(key, 32) }
      oneTimeKey.copyBytes(from: material.authenticationR)
      var written: Int32 = 0
      var tagLength = 0
      guard
        EVP_EncryptUpdate(nonceCipher, key + 16, &written, nonce.assumingMemoryBound(to: UInt8.self), 16) == 1,
        EVP_MAC_init(authenticator, key, 32, nil) == 1,
        EVP_MAC_update(authenticator, message.baseAddress?.assumingMemoryBound(to: UInt8.self), message.count) == 1,
        EVP_MAC_final(authenticator, tag.assumingMemoryBound(to: UInt8.self), &tagLength, Self.tagLength) == 1
      else { throw RepositoryError(.library, "OpenSSL could not compute a Poly1305-AES of \(message.count) bytes") }
    }
  }

  private static let poly1305 = FetchedAuthenticator("POLY1305")
}

private struct FetchedAuthenticator: @unchecked Sendable {  // an EVP_MAC does not change once fetched
  let pointer: OpaquePointer?

  init(_ name: String) { pointer = EVP_MAC_fetch(nil, name, nil) }
}
