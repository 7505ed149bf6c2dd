import COpenSSL
import CPosix
import Foundation

/// Files that only their owner reads.
package enum PrivateFile {
  /// Writes `bytes` with mode 0600, whole or not at all; an older file of that name is replaced.
  package static func write(_ bytes: [UInt8], to path: String) throws {
    let temporary = "\(path).\(getpid()).new"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw StepError.system("create", path) }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    try handle.write(contentsOf: Data(bytes))
    try handle.close()
    guard rename(temporary, path) == 0 else { throw StepError.system("rename", path) }
  }
}

/// A digest that tells whether two things are the same.
enum Fingerprint {
  /// The SHA-256 of the parts and their lengths, in hexadecimal.
  static func of(_ parts: [[UInt8]]) -> String {
    var bytes: [UInt8] = []
    for part in parts {
      withUnsafeBytes(of: UInt64(part.count).littleEndian) { bytes.append(contentsOf: $0) }
      bytes += part
    }
    var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
    SHA256(bytes, bytes.count, &digest)
    return digest.map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined()
  }
}
