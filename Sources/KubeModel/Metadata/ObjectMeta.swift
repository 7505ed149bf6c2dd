/// The metadata of an object, trimmed: `managedFields` and what nobody reads any more is dropped when decoding.
///
/// The server keeps an object's managed fields when a write leaves them out, so dropping them is safe.
public struct ObjectMeta: Hashable, Sendable {
  /// The name, unique among the objects of a kind in a namespace.
  public var name: String?
  /// The namespace; nil for kinds of cluster scope.
  public var namespace: String?
  /// A prefix from which the server makes a name, where `name` is nil.
  public var generateName: String?
  /// The server's identity of this one life of the object.
  public var uid: String?
  /// An opaque version, for optimistic locking and watches.
  public var resourceVersion: String?
  /// Counts changes of the spec.
  public var generation: Int64?
  /// When the server stored the object.
  public var creationTimestamp: Timestamp?
  /// When deletion was asked for; the object stays until its finalizers are gone.
  public var deletionTimestamp: Timestamp?
  /// Who must act before a deleted object goes.
  public var finalizers: [String]
  /// Labels, which selectors match.
  public var labels: [String: String]
  /// Annotations.
  public var annotations: [String: String]
  /// The objects whose deletion deletes this one.
  public var ownerReferences: [OwnerReference]

  /// Metadata as a person would write them; what the server sets is nil.
  public init(
    name: String? = nil, namespace: String? = nil, labels: [String: String] = [:], annotations: [String: String] = [:],
    finalizers: [String] = [], ownerReferences: [OwnerReference] = [], resourceVersion: String? = nil,
    uid: String? = nil, generateName: String? = nil
  ) {
    self.name = name
    self.namespace = namespace
    self.generateName = generateName
    self.uid = uid
    self.resourceVersion = resourceVersion
    self.finalizers = finalizers
    self.labels = labels
    self.annotations = annotations
    self.ownerReferences = ownerReferences
  }

  /// Metadata that only name an object.
  public init(key: ObjectKey) { self.init(name: key.name, namespace: key.namespace) }

  /// Namespace and name; the name is empty where the server has not made it yet.
  public var key: ObjectKey { ObjectKey(namespace: namespace, name: name ?? "") }

  /// Whether deletion was asked for.
  public var isDeleting: Bool { deletionTimestamp != nil }
}

extension ObjectMeta: Codable {
  private enum CodingKeys: String, CodingKey {
    case name, namespace, generateName, uid, resourceVersion, generation, creationTimestamp, deletionTimestamp
    case finalizers, labels, annotations, ownerReferences
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    name = try container.decodeNonEmpty(.name)
    namespace = try container.decodeNonEmpty(.namespace)
    generateName = try container.decodeNonEmpty(.generateName)
    uid = try container.decodeNonEmpty(.uid)
    resourceVersion = try container.decodeNonEmpty(.resourceVersion)
    generation = try container.decodeIfPresent(Int64.self, forKey: .generation)
    creationTimestamp = try container.decodeIfPresent(Timestamp.self, forKey: .creationTimestamp)
    deletionTimestamp = try container.decodeIfPresent(Timestamp.self, forKey: .deletionTimestamp)
    finalizers = try container.decodeIfPresent([String].self, forKey: .finalizers) ?? []
    labels = try container.decodeIfPresent([String: String].self, forKey: .labels) ?? [:]
    annotations = try container.decodeIfPresent([String: String].self, forKey: .annotations) ?? [:]
    ownerReferences = try container.decodeIfPresent([OwnerReference].self, forKey: .ownerReferences) ?? []
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(name, forKey: .name)
    try container.encodeIfPresent(namespace, forKey: .namespace)
    try container.encodeIfPresent(generateName, forKey: .generateName)
    try container.encodeIfPresent(uid, forKey: .uid)
    try container.encodeIfPresent(resourceVersion, forKey: .resourceVersion)
    try container.encodeIfPresent(generation, forKey: .generation)
    try container.encodeIfPresent(creationTimestamp, forKey: .creationTimestamp)
    try container.encodeIfPresent(deletionTimestamp, forKey: .deletionTimestamp)
    if !finalizers.isEmpty { try container.encode(finalizers, forKey: .finalizers) }
    if !labels.isEmpty { try container.encode(labels, forKey: .labels) }
    if !annotations.isEmpty { try container.encode(annotations, forKey: .annotations) }
    if !ownerReferences.isEmpty { try container.encode(ownerReferences, forKey: .ownerReferences) }
  }
}

extension KeyedDecodingContainer {
  /// A string that is there and not empty: Go writes some absent strings as empty ones.
  func decodeNonEmpty(_ key: Key) throws -> String? {
    guard let text = try decodeIfPresent(String.self, forKey: key), !text.isEmpty else { return nil }
    return text
  }
}
