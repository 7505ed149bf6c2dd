import NIOCore
import ObjectStore

extension Repository {
  /// The document in a file that lies outside of packs: name, seal and encoding verified.
  func load(_ kind: UnpackedKind, _ id: SHA256Digest) async throws -> ByteBuffer {
    let key = kind.key(id)
    let sealed = try await store.get(key)
    guard SHA256Digest(hashing: sealed) == id else {
      throw RepositoryError(
        .corrupted,
        "'\(key)' is not what its name says: its \(sealed.readableBytes) bytes were changed or cut short; "
          + "restore it from a copy of the repository")
    }
    let document: ByteBuffer
    do {
      document = try self.key.open(sealed)
    } catch let error as RepositoryError where error.code == .corrupted {
      throw RepositoryError(.corrupted, "'\(key)': \(error.message)")
    }
    return try UnpackedEncoding.decode(document, of: "'\(key)'")
  }

  /// Stores a document in a file of its own; it is durable on return.
  func save(_ kind: UnpackedKind, _ document: ByteBuffer) async throws -> SHA256Digest {
    let sealed = try key.seal(UnpackedEncoding.encode(document))
    let id = SHA256Digest(hashing: sealed)
    try await store.putOnce(kind.key(id), sealed, sha256: id.content)
    return id
  }

  /// The names of all files of a kind, in order. What has another kind of name is none of ours.
  func list(_ kind: UnpackedKind) async throws -> [SHA256Digest] {
    var ids: [SHA256Digest] = []
    let prefix = kind.rawValue + "/"
    for try await object in store.list(prefix: prefix) {
      if let id = SHA256Digest(hexadecimal: object.key.dropFirst(prefix.count)) { ids.append(id) }
    }
    return ids
  }
}

extension SHA256Digest {
  /// The same digest, in the object store's type.
  var content: ContentSHA256 {
    let bytes = withUnsafeTemporaryAllocation(byteCount: Self.byteCount, alignment: 8) { bytes in
      copy(to: bytes)
      return Array(bytes)
    }
    guard let content = ContentSHA256(bytes: bytes) else { preconditionFailure("a digest has 32 bytes") }
    return content
  }
}
