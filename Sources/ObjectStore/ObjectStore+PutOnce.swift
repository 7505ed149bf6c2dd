public import NIOCore

extension ObjectStore {
  /// Stores what must never change: creates the object, or finds the same bytes there already, which is success too.
  ///
  /// Safe to repeat after a crash or a lost answer, and between processes. Other bytes under the key throw
  /// `.conflictingContent`, and are left as they are.
  public func putOnce(_ key: String, _ body: ByteBuffer) async throws {
    try await once(key, body) { _ = try await put(key, body, condition: .ifAbsent) }
  }

  /// As `putOnce(_:_:)`, for a caller who has the SHA-256 of `body` already.
  public func putOnce(_ key: String, _ body: ByteBuffer, sha256: ContentSHA256) async throws {
    try await once(key, body) { _ = try await put(key, body, sha256: sha256, condition: .ifAbsent) }
  }

  private func once(_ key: String, _ body: ByteBuffer, _ create: () async throws -> Void) async throws {
    // An object that is deleted between our finding it and our reading it is absent again: one more try.
    for attempt in 1... {
      do {
        return try await create()
      } catch let error as ObjectStoreError where error.code == .alreadyExists {
        do {
          guard try await holds(key, body) else {
            throw ObjectStoreError(
              .conflictingContent, operation: "put", key: key,
              message: "another object is there, and this one must never be overwritten; find out who wrote it, "
                + "and whether two writers share one prefix")
          }
          return
        } catch let missing as ObjectStoreError where missing.code == .notFound && attempt < 3 {
          continue
        }
      }
    }
  }

  /// Whether exactly these bytes lie under `key`. Reads them only when the size is right.
  func holds(_ key: String, _ body: ByteBuffer) async throws -> Bool {
    guard try await head(key).size == Int64(body.readableBytes) else { return false }
    var rest = body
    for try await piece in try await stream(key, range: nil) {
      guard let expected = rest.readSlice(length: piece.readableBytes), expected == piece else { return false }
    }
    return rest.readableBytes == 0
  }
}
