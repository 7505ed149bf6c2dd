public import KubeModel

/// What became of one object in a store.
public enum StoreChange<R: KubeResource>: Sendable {
  /// It was not in the store before.
  case added(R)
  /// It was, in an older version.
  case updated(old: R, new: R)
  /// It is gone; this is the last version that is known, which may not be the last that was.
  case deleted(R)

  /// The object as it is now, or as it last was.
  public var object: R {
    switch self {
    case .added(let object), .updated(_, let object), .deleted(let object): object
    }
  }

  /// The object's namespace and name.
  public var key: ObjectKey { object.key }
}

/// A way to look objects up by something other than their key: `values` gives the values under which an object is
/// found, for example the names of the Secrets that it uses.
public struct StoreIndex<R: KubeResource>: Sendable {
  /// The name by which lookups mention the index.
  public let name: String
  /// The values under which an object is found; must depend on nothing but the object.
  public let values: @Sendable (R) -> [String]

  /// An index of this name.
  public init(_ name: String, values: @escaping @Sendable (R) -> [String]) {
    self.name = name
    self.values = values
  }
}
