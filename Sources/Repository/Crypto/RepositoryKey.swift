public import NIOCore
import Synchronization

/// The master key of a repository: seals and opens messages, from any number of tasks at once.
///
/// A sealed message is 32 bytes longer than its plaintext: a random IV before it, AES-256 in counter mode, and a
/// Poly1305-AES tag behind. Which messages were sealed is not authenticated: one sealed message can be put in the
/// place of another, so whoever stores them names them by what they hold.
public struct RepositoryKey: Sendable {
  /// Bytes that sealing adds.
  public static let overhead = SealingContext.nonceLength + SealingContext.tagLength

  let material: KeyMaterial
  private let contexts: SealingContextPool

  init(_ material: KeyMaterial) {
    self.material = material
    self.contexts = SealingContextPool(material)
  }

  /// The key of these secrets: 32, 16 and 16 bytes; nil when one has another length or is zero.
  package init?(encryption: [UInt8], authenticationKey: [UInt8], authenticationR: [UInt8]) {
    guard
      let material = KeyMaterial(
        encryption: encryption, authenticationKey: authenticationKey, authenticationR: authenticationR)
    else { return nil }
    self.init(material)
  }

  /// A new key of random bytes, for tests and tools that have no repository.
  public static func random() -> RepositoryKey { RepositoryKey(.random()) }

  /// The sealed form of the readable bytes of `plaintext`.
  public func seal(_ plaintext: ByteBuffer) throws -> ByteBuffer {
    var sealed = ByteBufferAllocator().buffer(capacity: plaintext.readableBytes + Self.overhead)
    _ = try plaintext.withUnsafeReadableBytes { source in
      try sealed.writeWithUnsafeMutableBytes(minimumWritableBytes: source.count + Self.overhead) { target in
        try seal(source, into: target.baseAddress!)  // there is room for at least the overhead
        return source.count + Self.overhead
      }
    }
    return sealed
  }

  /// The plaintext of `sealed`; an error with the code `corrupted` when it was not sealed with this key, or was
  /// changed since.
  public func open(_ sealed: ByteBuffer) throws -> ByteBuffer {
    let length = try Self.plaintextLength(ofSealed: sealed.readableBytes)
    var plaintext = ByteBufferAllocator().buffer(capacity: max(1, length))
    _ = try sealed.withUnsafeReadableBytes { source in
      try plaintext.writeWithUnsafeMutableBytes(minimumWritableBytes: max(1, length)) { target in
        try open(source, into: target.baseAddress!)  // one byte of room at least
        return length
      }
    }
    return plaintext
  }

  /// Seals into memory that has room for `plaintext.count + overhead` bytes; the plaintext may lie 16 bytes into it.
  package func seal(_ plaintext: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer) throws {
    try contexts.withContext { try $0.seal(plaintext, into: output) }
  }

  /// Opens into memory that has room for `sealed.count - overhead` bytes.
  package func open(_ sealed: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer) throws {
    _ = try Self.plaintextLength(ofSealed: sealed.count)
    guard try contexts.withContext({ try $0.open(sealed, into: output) }) else {
      throw RepositoryError(
        .corrupted,
        "the seal of \(sealed.count) stored bytes is broken: they were changed, or sealed with another key; "
          + "fetch them again, and if that does not help run a check of the repository")
    }
  }

  private static func plaintextLength(ofSealed length: Int) throws -> Int {
    guard length >= overhead else {
      throw RepositoryError(
        .corrupted, "a sealed message has at least \(overhead) bytes, but only \(length) are there: it was cut short")
    }
    return length - overhead
  }
}

/// Contexts that are not in use; never more than there were callers at once.
private final class SealingContextPool: Sendable {
  private let material: KeyMaterial
  private let idle = Mutex<[SealingContext]>([])

  init(_ material: KeyMaterial) { self.material = material }

  func withContext<Result>(_ body: (SealingContext) throws -> Result) throws -> Result {
    let context = try idle.withLock { $0.popLast() } ?? SealingContext(material)
    defer { idle.withLock { $0.append(context) } }
    return try body(context)
  }
}
