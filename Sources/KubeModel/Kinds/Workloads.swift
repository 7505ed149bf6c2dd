/// A Pod, trimmed to its phase and where it runs.
public struct Pod: KubeStatusResource, Hashable {
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
  }

  public static let resource = ResourceDescription(group: "", version: "v1", kind: "Pod", plural: "pods")

  public var metadata: ObjectMeta
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
}
