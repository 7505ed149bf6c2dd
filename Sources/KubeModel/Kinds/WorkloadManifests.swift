/// A workload with its whole spec, to be copied: what the spec says is kept as it is, known here or not.
public protocol WorkloadManifest: KubeResource {
  /// The spec as the server has it.
  var spec: JSONValue { get set }

  /// A manifest of these parts.
  init(metadata: ObjectMeta, spec: JSONValue)
}

/// A Deployment with its whole spec.
public struct DeploymentManifest: WorkloadManifest {
  public static let resource = DeploymentApplication.resource

  public var metadata: ObjectMeta
  public var spec: JSONValue

  public init(metadata: ObjectMeta, spec: JSONValue) { (self.metadata, self.spec) = (metadata, spec) }
}

/// A StatefulSet with its whole spec.
public struct StatefulSetManifest: WorkloadManifest {
  public static let resource = StatefulSetApplication.resource

  public var metadata: ObjectMeta
  public var spec: JSONValue

  public init(metadata: ObjectMeta, spec: JSONValue) { (self.metadata, self.spec) = (metadata, spec) }
}

/// A DaemonSet with its whole spec.
public struct DaemonSetManifest: WorkloadManifest {
  public static let resource = DaemonSetApplication.resource

  public var metadata: ObjectMeta
  public var spec: JSONValue

  public init(metadata: ObjectMeta, spec: JSONValue) { (self.metadata, self.spec) = (metadata, spec) }
}
