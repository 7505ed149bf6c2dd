/// What a store tells about an object without its bytes.
public struct ObjectInfo: Sendable, Hashable {
  /// The object's name in the store that told of it.
  public var key: String
  /// Bytes.
  public var size: Int64
  /// Names this content: changes when the object is overwritten. Not a digest of anything in general.
  public var etag: String?
  /// When it was stored, by the store's clock.
  public var lastModified: UnixTime?

  /// An object of `size` bytes under `key`.
  public init(key: String, size: Int64, etag: String? = nil, lastModified: UnixTime? = nil) {
    self.key = key
    self.size = size
    self.etag = etag
    self.lastModified = lastModified
  }
}

/// When a `put` may take place.
public enum PutCondition: Sendable, Hashable {
  /// In place of whatever is there.
  case always
  /// Only when nothing is there; decided by the store, atomically.
  case ifAbsent
}
