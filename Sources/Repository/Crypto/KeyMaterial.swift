/// The three secrets of restic's sealing: an AES-256 key, and the AES-128 key `k` and the `r` of Poly1305-AES.
///
/// Source: restic's `doc/design.rst`, "Keys, Encryption and MAC".
struct KeyMaterial: Sendable, Equatable {
  /// 32 bytes.
  let encryption: [UInt8]
  /// 16 bytes.
  let authenticationKey: [UInt8]
  /// 16 bytes; Poly1305 masks some of its bits when it is used.
  let authenticationR: [UInt8]

  init?(encryption: [UInt8], authenticationKey: [UInt8], authenticationR: [UInt8]) {
    guard encryption.count == 32, authenticationKey.count == 16, authenticationR.count == 16,
      encryption.contains(where: { $0 != 0 }), authenticationKey.contains(where: { $0 != 0 }),
      authenticationR.contains(where: { $0 != 0 })
    else { return nil }
    self.encryption = encryption
    self.authenticationKey = authenticationKey
    self.authenticationR = authenticationR
  }

  /// The secrets in the order in which scrypt's 64 bytes hold them.
  init?(derived bytes: [UInt8]) {
    guard bytes.count == 64 else { return nil }
    self.init(
      encryption: Array(bytes[0..<32]), authenticationKey: Array(bytes[32..<48]),
      authenticationR: Array(bytes[48..<64]))
  }

  /// New secrets.
  static func random() -> KeyMaterial {
    while true {
      if let material = KeyMaterial(derived: SecureRandom.bytes(64)) { return material }
    }
  }
}
