extension BackupTarget {
  /// The Bucket of this name.
  public init(bucket: String) { self.bucket = bucket }

  /// The application that this workload is.
  public init(application: WorkloadReference) { self.application = application }

  /// The kinds that an application may have.
  public static let applicationKinds = ["Deployment", "StatefulSet", "DaemonSet"]

  /// What tells it from other targets of its namespace: the end of its place in a destination. `databases/shop`,
  /// `applications/deployment/web`, `buckets/pictures`; nil where it names nothing, or more than one thing.
  public var identity: String? {
    switch (database, application, bucket) {
    case (let name?, nil, nil): "databases/\(name)"
    case (nil, let workload?, nil): "applications/\(workload.kind.lowercased())/\(workload.name)"
    case (nil, nil, let name?): "buckets/\(name)"
    default: nil
    }
  }

  /// The target of this identity; nil where it is none. A word without a slash is a Database's name.
  public init?(identity: String) {
    let parts = identity.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    let kinds = Dictionary(uniqueKeysWithValues: Self.applicationKinds.map { ($0.lowercased(), $0) })
    switch (parts.first, parts.count) {
    case (let name?, 1) where !name.isEmpty: database = name
    case ("databases", 2): database = parts[1]
    case ("buckets", 2): bucket = parts[1]
    case ("applications", 3):
      guard let kind = kinds[parts[1]] else { return nil }
      application = WorkloadReference(kind: kind, name: parts[2])
    default: return nil
    }
  }

  /// How discovery calls it: a Database by its name alone, others by their identity.
  public var discoveryName: String? { database ?? identity }

  /// What the keys of its repository begin with, below a destination's prefix, in this namespace.
  public func repositoryPrefix(namespace: String) -> String? {
    switch (database, application, bucket) {
    case (let name?, nil, nil): "databases/\(namespace)/\(name)/repo/"
    case (nil, let workload?, nil):
      "applications/\(namespace)/\(workload.kind.lowercased())/\(workload.name)/repo/"
    case (nil, nil, let name?): "buckets/\(namespace)/\(name)/repo/"
    default: nil
    }
  }

  /// In words, for messages.
  public var text: String {
    if let database { return "Database \(database)" }
    if let application { return "\(application.kind) \(application.name)" }
    if let bucket { return "Bucket \(bucket)" }
    return "no target"
  }
}
