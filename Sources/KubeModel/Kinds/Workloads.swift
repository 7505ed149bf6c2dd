/// A Pod, trimmed to its phase and where it runs.
public struct Pod: KubeStatusResource, Hashable {
  /// Where it is to run.
  public struct Spec: Codable, Hashable, Sendable {
    /// The node; nil until it has one.
    public var nodeName: String?
  }

  /// What the kubelet reports.
  public struct Status: Codable, Hashable, Sendable {
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    public var phase: String?
    /// Why the pod is in this phase, as a word for programs.
    public var reason: String?
    /// Why the pod is in this phase, for people.
    public var message: String?
    /// The pod's address.
    public var podIP: String?
    /// When the kubelet took the pod.
    public var startTime: Timestamp?
    /// `PodScheduled`, `Ready` and others.
    public var conditions: [Condition]?
    /// How its containers are.
    public var containerStatuses: [ContainerStatus]?
    /// How the containers are that run before these.
    public var initContainerStatuses: [ContainerStatus]?
  }

  public static let resource = ResourceDescription(group: "", version: "v1", kind: "Pod", plural: "pods")

  public var metadata: ObjectMeta
  /// Where it is to run.
  public var spec: Spec?
  public var status: Status?
}

/// A Job, trimmed to how it went.
public struct Job: KubeStatusResource, Hashable {
  /// What the job controller reports.
  public struct Status: Codable, Hashable, Sendable {
    /// How many pods run.
    public var active: Int?
    /// How many pods ended well.
    public var succeeded: Int?
    /// How many pods failed.
    public var failed: Int?
    /// When the job began.
    public var startTime: Timestamp?
    /// When it ended well.
    public var completionTime: Timestamp?
    /// `Complete`, `Failed` and others.
    public var conditions: [Condition]?
  }

  public static let resource = ResourceDescription(group: "batch", version: "v1", kind: "Job", plural: "jobs")

  public var metadata: ObjectMeta
  public var status: Status?

  /// `Complete` or `Failed` once it has ended, with why; nil before.
  public var ending: Condition? {
    status?.conditions?.first { ["Complete", "Failed"].contains($0.type) && $0.status == .true }
  }
}

/// A Deployment, trimmed to how many pods it has.
public struct Deployment: KubeStatusResource, Hashable {
  /// What the deployment controller reports.
  public struct Status: Codable, Hashable, Sendable {
    /// How many pods there are.
    public var replicas: Int?
    /// How many of them are ready.
    public var readyReplicas: Int?
    /// `Available`, `Progressing`, `ReplicaFailure`.
    public var conditions: [Condition]?
  }

  public static let resource = ResourceDescription(
    group: "apps", version: "v1", kind: "Deployment", plural: "deployments")

  public var metadata: ObjectMeta
  public var status: Status?
}
