import HashTreeCollections
public import KubeModel

/// A store's contents at one moment: a value that no later change touches.
///
/// Taking one costs nothing, whatever the store's size, and holding it keeps only the objects alive that have changed
/// since: the tables are persistent trees that share what is the same.
public struct StoreSnapshot<R: KubeResource>: Sendable {
  /// Objects behind a reference, so that the tree's nodes stay small and copying them is cheap.
  private final class Stored: Sendable {
    let object: R
    init(_ object: R) { self.object = object }
  }

  private struct Index: Sendable {
    var definition: StoreIndex<R>
    var keys: TreeDictionary<String, TreeSet<ObjectKey>> = [:]
  }

  private var objects: TreeDictionary<ObjectKey, Stored> = [:]
  private var byNamespace: TreeDictionary<String, TreeSet<ObjectKey>> = [:]
  private var indexes: [String: Index] = [:]

  init() {}

  /// How many objects there are.
  public var count: Int { objects.count }

  /// The object of this key.
  public subscript(key: ObjectKey) -> R? { objects[key]?.object }

  /// All keys, in no order.
  public var keys: [ObjectKey] { Array(objects.keys) }

  /// All objects, in no order.
  public var all: [R] { objects.values.map(\.object) }

  /// The objects of a namespace, in no order; `nil`: all.
  public func objects(in namespace: String?) -> [R] {
    guard let namespace else { return all }
    return (byNamespace[namespace] ?? []).compactMap { objects[$0]?.object }
  }

  /// The objects that an index finds under a value, in no order; none where there is no such index.
  public func objects(index: String, value: String) -> [R] {
    (indexes[index]?.keys[value] ?? []).compactMap { objects[$0]?.object }
  }

  /// The keys of a namespace, in no order; `nil`: all.
  func keys(in namespace: String?) -> [ObjectKey] {
    guard let namespace else { return keys }
    return Array(byNamespace[namespace] ?? [])
  }

  /// Adds an index, and fills it.
  mutating func add(_ index: StoreIndex<R>) {
    indexes[index.name] = Index(definition: index)
    for stored in objects.values {
      for value in index.values(stored.object) {
        indexes[index.name]?.keys[value, default: []].insert(stored.object.key)
      }
    }
  }

  /// Takes an object in, and says what changed: nothing where the same version is there already; a deletion and an
  /// addition where the object was deleted and made anew.
  mutating func set(_ object: R) -> [StoreChange<R>] {
    let key = object.key
    let old = objects[key]?.object
    let isSameVersion =
      old?.metadata.resourceVersion == object.metadata.resourceVersion && object.metadata.resourceVersion != nil
    if let old, isSameVersion, old.metadata.uid == object.metadata.uid { return [] }
    if let old { unindex(old) }
    objects[key] = Stored(object)
    index(object)
    guard let old else { return [.added(object)] }
    guard old.metadata.uid == object.metadata.uid else { return [.deleted(old), .added(object)] }
    return [.updated(old: old, new: object)]
  }

  /// Removes the object of this key, and says so if it was there. `last` is its last version, where it is known.
  mutating func remove(_ key: ObjectKey, last: R? = nil) -> [StoreChange<R>] {
    guard let old = objects.removeValue(forKey: key)?.object else { return [] }
    unindex(old)
    return [.deleted(last ?? old)]
  }

  private mutating func index(_ object: R) {
    let key = object.key
    if let namespace = key.namespace { byNamespace[namespace, default: []].insert(key) }
    for name in indexes.keys {
      for value in indexes[name]?.definition.values(object) ?? [] {
        indexes[name]?.keys[value, default: []].insert(key)
      }
    }
  }

  private mutating func unindex(_ object: R) {
    let key = object.key
    if let namespace = key.namespace { Self.remove(key, under: namespace, from: &byNamespace) }
    for name in indexes.keys {
      guard var index = indexes.removeValue(forKey: name) else { continue }
      for value in index.definition.values(object) { Self.remove(key, under: value, from: &index.keys) }
      indexes[name] = index
    }
  }

  private static func remove(
    _ key: ObjectKey, under value: String, from table: inout TreeDictionary<String, TreeSet<ObjectKey>>
  ) {
    table[value]?.remove(key)
    if table[value]?.isEmpty == true { table[value] = nil }
  }
}
