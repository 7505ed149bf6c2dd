public import KubeModel

/// A bucket that is protected.
public struct Bucket: KubeStatusResource {
  public static let resource = TidemarkGroup.resource(kind: "Bucket", plural: "buckets")

  /// Name, namespace and the rest of Kubernetes' metadata.
  public var metadata: ObjectMeta
  /// What the user asked for.
  public var spec: BucketSpec
  /// What was found; nil until the first reconcile.
  public var status: BucketStatus?

  /// A bucket as a user would write it.
  public init(metadata: ObjectMeta, spec: BucketSpec) { (self.metadata, self.spec) = (metadata, spec) }
}

/// The spec of a bucket: how it is reached, in the fields that a destination has, and what of it is protected.
public struct BucketSpec: Codable, Sendable, Equatable {
  /// How it is reached. `prefix` is what the keys begin with that are protected; there is no `encryption`.
  public var connection: BackupDestinationSpec
  /// Patterns of keys that belong to it; nil or none: all.
  public var include: [String]?
  /// Patterns of keys that do not.
  public var exclude: [String]?

  /// The bucket at `connection`, all of it.
  public init(connection: BackupDestinationSpec) { self.connection = connection }

  private enum CodingKeys: String, CodingKey { case include, exclude }

  public init(from decoder: any Decoder) throws {
    connection = try BackupDestinationSpec(from: decoder)
    let container = try decoder.container(keyedBy: CodingKeys.self)
    include = try container.decodeIfPresent([String].self, forKey: .include)
    exclude = try container.decodeIfPresent([String].self, forKey: .exclude)
  }

  public func encode(to encoder: any Encoder) throws {
    try connection.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(include, forKey: .include)
    try container.encodeIfPresent(exclude, forKey: .exclude)
  }
}

/// What is known of a bucket.
public struct BucketStatus: Codable, Sendable, Equatable {
  /// The generation of the spec that the rest speaks of.
  public var observedGeneration: Int64?
  /// `Ready`, `Reconciling`, `Stalled`.
  public var conditions: [Condition]?
  /// The endpoint as resolved.
  public var endpoint: String?
  /// When it was last reached.
  public var lastValidated: Timestamp?
  /// Its newest Completed Backup.
  public var lastBackup: String?

  /// A status that says nothing yet.
  public init() {}
}

extension BucketSpec: ValidatedSpec {
  public func problems() -> [SpecProblem] {
    var problems = connection.problems()
    if connection.encryption != nil {
      problems.append(
        SpecProblem("encryption", "does not belong to a Bucket; backups are encrypted as their destination says"))
    }
    for (field, patterns) in [("include", include), ("exclude", exclude)] where patterns?.contains("") == true {
      problems.append(SpecProblem(field, "holds an empty pattern; leave it out"))
    }
    return problems
  }
}
