import Glibc
import NIOCore
import ObjectStore

/// A file in `keys/`: the master key, sealed with a key that scrypt makes from a password.
struct KeyFile: Codable, Sendable {
  let created: String
  let username: String
  let hostname: String
  let kdf: String
  let n: Int
  let r: Int
  let p: Int
  let salt: String
  let data: String

  enum CodingKeys: String, CodingKey {
    case created, username, hostname, kdf, r, p, salt, data
    case n = "N"
  }

  /// The master key as it lies inside `data`.
  private struct Master: Codable {
    struct Authentication: Codable {
      let k: String
      let r: String
    }
    let mac: Authentication
    let encrypt: String
  }

  /// A key file from which `password` gives `master`.
  static func sealing(
    _ master: KeyMaterial, password: RepositoryPassword, parameters: ScryptParameters
  ) async throws -> KeyFile {
    let salt = SecureRandom.bytes(64)
    let user = RepositoryKey(try await parameters.derive(password, salt: salt))
    let document = Master(
      mac: .init(
        k: JSONCoding.base64(master.authenticationKey), r: JSONCoding.base64(master.authenticationR)),
      encrypt: JSONCoding.base64(master.encryption))
    let sealed = try user.seal(JSONCoding.encode(document))
    let who = LocalIdentity.current
    return KeyFile(
      created: RFC3339.text(.now), username: who.username, hostname: who.hostname, kdf: "scrypt", n: parameters.n,
      r: parameters.r, p: parameters.p, salt: JSONCoding.base64(salt), data: JSONCoding.base64(sealed.readableBytesView)
    )
  }

  /// The master key; nil when the password is another one's.
  func open(_ password: RepositoryPassword, name: String) async throws -> KeyMaterial? {
    guard kdf == "scrypt", let parameters = ScryptParameters(n: n, r: r, p: p),
      let salt = JSONCoding.bytes(base64: salt), let sealed = JSONCoding.bytes(base64: data)
    else {
      throw RepositoryError(
        .corrupted,
        "key \(name) asks for kdf '\(kdf)' with N=\(n) r=\(r) p=\(p), which is not scrypt within 1 GiB of memory, "
          + "or its salt or data are not base64; remove it with 'restic key remove' if another key works")
    }
    let user = RepositoryKey(try await parameters.derive(password, salt: salt))
    guard let document = try? user.open(ByteBuffer(bytes: sealed)) else { return nil }
    let master = try JSONCoding.decode(Master.self, from: document, of: "the master key in key \(name)")
    guard let encryption = JSONCoding.bytes(base64: master.encrypt),
      let authenticationKey = JSONCoding.bytes(base64: master.mac.k),
      let authenticationR = JSONCoding.bytes(base64: master.mac.r),
      let material = KeyMaterial(
        encryption: encryption, authenticationKey: authenticationKey, authenticationR: authenticationR)
    else {
      throw RepositoryError(.corrupted, "key \(name) opens, but the master key in it has the wrong length or is zero")
    }
    return material
  }
}
