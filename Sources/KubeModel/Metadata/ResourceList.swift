/// The metadata of one page of a list.
public struct ListMeta: Codable, Hashable, Sendable {
  /// The version of the whole list, from which a watch can start; the same on each page.
  public var resourceVersion: String?
  /// The token for the next page; nil on the last one.
  public var continueToken: String?
  /// How many objects follow this page, where the server knows.
  public var remainingItemCount: Int64?

  /// Metadata of a page.
  public init(resourceVersion: String? = nil, continueToken: String? = nil, remainingItemCount: Int64? = nil) {
    self.resourceVersion = resourceVersion
    self.continueToken = continueToken
    self.remainingItemCount = remainingItemCount
  }

  private enum CodingKeys: String, CodingKey {
    case resourceVersion
    case continueToken = "continue"
    case remainingItemCount
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    resourceVersion = try container.decodeNonEmpty(.resourceVersion)
    continueToken = try container.decodeNonEmpty(.continueToken)
    remainingItemCount = try container.decodeIfPresent(Int64.self, forKey: .remainingItemCount)
  }
}

/// One page of a list, or a whole list.
///
/// An object that does not decode is set aside with what could be read of its identity: one bad object must not hide
/// the others.
public struct ResourceList<R: KubeResource>: Decodable, Sendable {
  /// Version and continuation of the list.
  public var metadata: ListMeta
  /// The objects that decoded.
  public var items: [R]
  /// The objects that did not.
  public var undecodable: [UndecodableObject]

  /// A list of these objects.
  public init(metadata: ListMeta, items: [R], undecodable: [UndecodableObject] = []) {
    self.metadata = metadata
    self.items = items
    self.undecodable = undecodable
  }

  private enum CodingKeys: String, CodingKey { case metadata, items }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    metadata = try container.decodeIfPresent(ListMeta.self, forKey: .metadata) ?? ListMeta()
    items = []
    undecodable = []
    // Go writes an empty list as null where it was never allocated.
    guard container.contains(.items), try !container.decodeNil(forKey: .items) else { return }
    var elements = try container.nestedUnkeyedContainer(forKey: .items)
    items.reserveCapacity(elements.count ?? 0)
    while !elements.isAtEnd {
      switch try elements.decode(DecodedObject<R>.self) {
      case .object(let object): items.append(object)
      case .undecodable(let object): undecodable.append(object)
      }
    }
  }
}
