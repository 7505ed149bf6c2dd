package import ObjectStore

/// A listing whose keys have to rise by their bytes: what goes through it beside another would else miss what is there,
/// and take it for missing.
package struct OrderedListing {
  private var objects: ObjectListing.Iterator
  private var last: [UInt8]?

  /// `listing`, from its beginning.
  package init(_ listing: ObjectListing) { objects = listing.makeAsyncIterator() }

  /// The next object. Throws where its key does not follow the last one.
  package mutating func next() async throws -> ObjectInfo? {
    guard let object = try await objects.next() else { return nil }
    let key = Array(object.key.utf8)
    if let last, !last.lexicographicallyPrecedes(key) {
      throw ObjectStoreError(
        .server, operation: "list", key: object.key,
        message: "the server lists it behind '\(String(decoding: last, as: UTF8.self))'; expected the order of bytes")
    }
    last = key
    return object
  }
}
