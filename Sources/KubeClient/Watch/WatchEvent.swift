public import KubeModel

/// What a watch tells.
public enum WatchEvent<R: KubeResource>: Sendable {
  /// An object is there that was not, or that the watch begins with.
  case added(R)
  /// An object changed.
  case modified(R)
  /// An object is gone; this was its last state.
  case deleted(R)
  /// Nothing happened up to this version: a watch can start again here.
  case bookmark(resourceVersion: String)
  /// The server ends the watch; 410 means that its version is too old.
  case error(KubeStatus)
  /// Something happened to an object that does not fit its type. The watch goes on.
  case undecodable(UndecodableObject, WatchChange)

  /// The version after this event, where it has one: from here a watch can start again.
  public var resourceVersion: String? {
    switch self {
    case .added(let object), .modified(let object), .deleted(let object): object.metadata.resourceVersion
    case .bookmark(let resourceVersion): resourceVersion
    case .undecodable(let object, _): object.resourceVersion
    case .error: nil
    }
  }
}

/// What happened to an object, by the word that stands in the event.
public struct WatchChange: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The word, in capitals as the server writes it.
  public let rawValue: String
  /// The change with this word.
  public init(rawValue: String) { self.rawValue = rawValue }
  public var description: String { rawValue }

  /// The object is there, and was not before.
  public static let added = WatchChange(rawValue: "ADDED")
  /// The object changed.
  public static let modified = WatchChange(rawValue: "MODIFIED")
  /// The object is gone.
  public static let deleted = WatchChange(rawValue: "DELETED")
}

/// One line of a watch, decoded in one pass: no untyped tree is made of it.
struct WatchLine<R: KubeResource>: Decodable {
  let event: WatchEvent<R>

  private enum CodingKeys: String, CodingKey { case type, object }
  private struct Bookmark: Decodable { let metadata: ListMeta }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let type = try container.decode(String.self, forKey: .type)
    switch type {
    case "ERROR": event = .error(try container.decode(KubeStatus.self, forKey: .object))
    case "BOOKMARK":
      let bookmark = try container.decode(Bookmark.self, forKey: .object)
      event = .bookmark(resourceVersion: bookmark.metadata.resourceVersion ?? "")
    default:
      switch (type, try container.decode(DecodedObject<R>.self, forKey: .object)) {
      case ("ADDED", .object(let object)): event = .added(object)
      case ("MODIFIED", .object(let object)): event = .modified(object)
      case ("DELETED", .object(let object)): event = .deleted(object)
      case (_, .undecodable(let object)): event = .undecodable(object, WatchChange(rawValue: type))
      case (_, .object(let object)):
        let unknown = UndecodableObject(
          kind: R.resource.kind, namespace: object.metadata.namespace, name: object.metadata.name,
          resourceVersion: object.metadata.resourceVersion,
          reason: "the watch says '\(type)', which is no change we know")
        event = .undecodable(unknown, WatchChange(rawValue: type))
      }
    }
  }
}
