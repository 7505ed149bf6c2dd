import KubeModel

/// The API group of all kinds of Tidemark, and the names that several parts agree on.
public enum TidemarkGroup {
  /// `tidemark.dev`
  public static let name = "tidemark.dev"
  /// `v1alpha1`
  public static let version = "v1alpha1"
  /// `tidemark.dev/v1alpha1`, as it stands in a resource.
  public static let apiVersion = "\(name)/\(version)"

  /// The finalizer that holds a Backup until its snapshot is forgotten or left, a PITRClone until what it had begun is
  /// cleared away, a Database until its receiver, slot and instance are, and a BackupDestination while it is in use.
  public static let finalizer = "tidemark.dev/finalizer"

  /// The field manager of what controllers write.
  public static let controllerFieldManager = "tidemark"
  /// The field manager of what steps write.
  public static let stepFieldManager = "tidemark-step"

  static func resource(kind: String, plural: String) -> ResourceDescription {
    ResourceDescription(group: name, version: version, kind: kind, plural: plural, scope: .namespaced)
  }
}

/// Labels under the group's name.
public enum TidemarkLabel {
  /// On a Backup: why it exists (`Clone`, `Gap`, `Schedule`, `Switch`, `Discovered`); absent on one that a person made.
  public static let origin = "tidemark.dev/origin"
  /// On what a PITRClone made: the clone's name.
  public static let clone = "tidemark.dev/clone"
  /// On a Backup that a BackupSchedule made: the schedule's name, cut to 63 characters where it is longer.
  public static let schedule = "tidemark.dev/schedule"
  /// On a Secret that says how a Database is reached: the Database's name.
  public static let database = "tidemark.dev/database"
  /// On the pods of an instance, and in the selector of a Service that a switch repointed: the instance's name.
  public static let instance = "tidemark.dev/instance"
  /// On what a step runs in and on its pods: the step's name.
  public static let step = "tidemark.dev/step"
  /// On what a step runs in and on its pods: the run's name.
  public static let run = "tidemark.dev/run"
}

/// The values of ``TidemarkLabel/origin`` that code asks for.
public enum BackupOrigin {
  /// A BackupSchedule made it.
  public static let schedule = "Schedule"
  /// Its snapshot was found in the bucket.
  public static let discovered = "Discovered"
}

/// Annotations under the group's name. Those up to `origin` stand on a Database whose live server Tidemark hosts.
/// Together they say which server that is: they are written by a clone, and replaced by a switch, in one write.
public enum TidemarkAnnotation {
  /// The name of the live instance.
  public static let instance = "tidemark.dev/instance"
  /// Where that instance is reached, `host:port`; absent where `spec.connection` says it, as with a clone's Database.
  public static let endpoint = "tidemark.dev/endpoint"
  /// The major version of that instance's server.
  public static let serverMajor = "tidemark.dev/server-major"
  /// The incarnation that it archives to.
  public static let incarnation = "tidemark.dev/incarnation"
  /// Where that incarnation comes from, as JSON.
  public static let origin = "tidemark.dev/cloned-from"
  /// Those that together say which server is the live one.
  public static let liveInstance = [instance, endpoint, serverMajor, incarnation, origin]
  /// While a switch is under way: the uid of the RestoreRequest that moves the clients. One switch of a Database at a
  /// time.
  public static let switching = "tidemark.dev/switching"
  /// On the Service that a Database names: the selector that it had before a switch, as JSON.
  public static let originalSelector = "tidemark.dev/original-selector"
}

extension TidemarkAnnotation {
  /// On what a step runs in and on its pods: the resource that it serves, `Kind/name/uid`.
  public static let serves = "tidemark.dev/serves"
  /// On what a step runs in: a digest of what it was made of, its secrets left out.
  public static let madeOf = "tidemark.dev/made-of"
  /// On a workload that a RestoreRequest or a Backup scaled down: how many replicas it had.
  public static let replicas = "tidemark.dev/replicas"
  /// On such a workload: the uid of that resource.
  public static let scaledDownFor = "tidemark.dev/scaled-down-for"
  /// On a RestoreRequest, `true`: its dump was staged for it alone, and is removed when it has been loaded.
  public static let staged = "tidemark.dev/staged"
  /// On a Backup that was found in the bucket: what was found, as JSON.
  public static let discovered = "tidemark.dev/discovered"
  /// On a Backup that a BackupSchedule made: the slot, RFC 3339 in UTC.
  public static let slot = "tidemark.dev/slot"
  /// On a BackupSchedule, by a person: the value that the condition RetentionHeld names, to let that removal go on.
  public static let approveRetention = "tidemark.dev/approve-retention"
}
