/// Namespace and name: what identifies an object among those of its kind.
public struct ObjectKey: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The namespace; nil for kinds of cluster scope.
  public let namespace: String?
  /// The name.
  public let name: String

  /// The key of `name` in `namespace`.
  public init(namespace: String?, name: String) {
    self.namespace = namespace
    self.name = name
  }

  /// `namespace/name`, or `name` alone: the form that logs and client-go's caches use.
  public var description: String { namespace.map { "\($0)/\(name)" } ?? name }

  public static func < (left: ObjectKey, right: ObjectKey) -> Bool {
    let namespaces = (left.namespace ?? "", right.namespace ?? "")
    return namespaces.0 == namespaces.1 ? left.name < right.name : namespaces.0 < namespaces.1
  }
}
