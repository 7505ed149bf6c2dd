import COpenSSL
import NIOPosix

/// The cost of trying one password: N (memory and time), r (block size), p (repetitions).
public struct ScryptParameters: Sendable, Hashable {
  /// A power of two.
  public let n: Int
  /// Bytes of a block, in units of 128.
  public let r: Int
  /// How often the whole is repeated.
  public let p: Int

  /// The parameters; nil outside of what is reasonable: N a power of two, 1 GiB of memory and p of 64 at most.
  ///
  /// The bound keeps a forged key file from taking the machine's memory; restic itself calibrates to 60 MiB.
  public init?(n: Int, r: Int, p: Int) {
    guard n >= 2, n <= 1 << 24, n & (n - 1) == 0, (1...64).contains(r), (1...64).contains(p), 128 * n * r <= 1 << 30
    else { return nil }
    self.init(checkedN: n, r: r, p: p)
  }

  private init(checkedN n: Int, r: Int, p: Int) {
    self.n = n
    self.r = r
    self.p = p
  }

  /// What restic starts its calibration from: 32 MiB and about a tenth of a second.
  public static let standard = ScryptParameters(checkedN: 32768, r: 8, p: 1)

  /// The 64 bytes of a user's key, computed on a thread of the blocking pool.
  func derive(_ password: RepositoryPassword, salt: [UInt8]) async throws -> KeyMaterial {
    try await NIOThreadPool.singleton.runIfActive { try deriveBlocking(password, salt: salt) }
  }

  private func deriveBlocking(_ password: RepositoryPassword, salt: [UInt8]) throws -> KeyMaterial {
    var derived = [UInt8](repeating: 0, count: 64)
    let memory = UInt64(128 * r * (n + p + 2)) + 1 << 20
    let outcome = password.bytes.withUnsafeBytes { bytes in
      EVP_PBE_scrypt(
        bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count, salt, salt.count, UInt64(n), UInt64(r),
        UInt64(p), memory, &derived, derived.count)
    }
    guard outcome == 1, let material = KeyMaterial(derived: derived) else {
      throw RepositoryError(
        .library, "OpenSSL could not run scrypt with N=\(n) r=\(r) p=\(p); it needs \(memory >> 20) MiB of memory")
    }
    return material
  }
}
