/// An object that the server sent and that does not fit its Swift type, with what could be read of it.
public struct UndecodableObject: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind that stands in the object; list items often lack it.
  public var kind: String?
  /// The object's namespace.
  public var namespace: String?
  /// The object's name.
  public var name: String?
  /// The object's version: a watch can go on after it.
  public var resourceVersion: String?
  /// What did not fit, and where. Never holds values of the object.
  public var reason: String

  /// An object of which at least this could be read.
  public init(kind: String?, namespace: String?, name: String?, resourceVersion: String?, reason: String) {
    self.kind = kind
    self.namespace = namespace
    self.name = name
    self.resourceVersion = resourceVersion
    self.reason = reason
  }

  /// Namespace and name, where the name could be read.
  public var key: ObjectKey? { name.map { ObjectKey(namespace: namespace, name: $0) } }

  public var description: String {
    "\(kind ?? "object") \(key?.description ?? "of unknown name") cannot be decoded: \(reason)"
  }
}

/// Either an object, or what could be read of one that does not fit its type. Decoding it fails only where the JSON
/// itself is broken.
public enum DecodedObject<R: KubeResource>: Decodable, Sendable {
  /// The object as its type.
  case object(R)
  /// An object that does not fit.
  case undecodable(UndecodableObject)

  private enum CodingKeys: String, CodingKey { case kind, metadata }
  private enum MetadataKeys: String, CodingKey { case namespace, name, resourceVersion }

  public init(from decoder: any Decoder) throws {
    do {
      self = .object(try R(from: decoder))
    } catch {
      let container = try? decoder.container(keyedBy: CodingKeys.self)
      let metadata = try? container?.nestedContainer(keyedBy: MetadataKeys.self, forKey: .metadata)
      func read(_ key: MetadataKeys) -> String? { try? metadata?.decodeNonEmpty(key) }
      self = .undecodable(
        UndecodableObject(
          kind: (try? container?.decodeNonEmpty(.kind)) ?? R.resource.kind, namespace: read(.namespace),
          name: read(.name), resourceVersion: read(.resourceVersion), reason: describeDecodingFailure(error)))
    }
  }
}

/// What did not fit and at which path, without any value of the object: values may be secrets.
public func describeDecodingFailure(_ error: any Error) -> String {
  func path(_ context: DecodingError.Context, _ last: (any CodingKey)? = nil) -> String {
    let keys = context.codingPath + (last.map { [$0] } ?? [])
    let text = keys.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined()
    return text.isEmpty ? "the top level" : text
  }
  switch error as? DecodingError {
  case .keyNotFound(let key, let context): return "\(path(context, key)) is required and is missing"
  case .valueNotFound(let type, let context): return "\(path(context)) is null where \(type) is required"
  case .typeMismatch(let type, let context): return "\(path(context)) is not of the type \(type)"
  case .dataCorrupted(let context): return "\(path(context)) has a value that its type does not allow"
  case nil: return "\(type(of: error))"
  @unknown default: return "it does not fit its type"
  }
}
