import NIOCore
import NIOPosix
import Repository

/// How bytes of the log are stored: a Zstandard frame, sealed with the repository's key.
///
/// Both directions run on threads of their own (`NIOThreadPool.singleton`): 16 MiB take tens of milliseconds, too long
/// for the cooperative pool.
struct WALEnvelope: Sendable {
  let key: RepositoryKey

  func seal(_ bytes: ByteBuffer) async throws -> ByteBuffer {
    let key = key
    return try await NIOThreadPool.singleton.runIfActive { try key.seal(try Zstd.compress(bytes, level: 1)) }
  }

  /// `name` is said in errors.
  func open(_ sealed: ByteBuffer, name: String) async throws -> ByteBuffer {
    let key = key
    do {
      return try await NIOThreadPool.singleton.runIfActive { try Zstd.decompress(try key.open(sealed)) }
    } catch let error as RepositoryError {
      throw WALError(.archiveCorrupted, "'\(name)' cannot be opened: \(error)")
    }
  }
}
