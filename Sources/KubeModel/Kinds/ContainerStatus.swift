/// How a container of a pod is, as the kubelet reports.
public struct ContainerStatus: Codable, Hashable, Sendable {
  /// One of three, as the API has it: at most one field is set.
  public struct State: Codable, Hashable, Sendable {
    /// It has not begun, or waits to be started again.
    public var waiting: Waiting?
    /// It runs.
    public var running: Running?
    /// It has ended.
    public var terminated: Terminated?
  }

  /// Why a container does not run yet.
  public struct Waiting: Codable, Hashable, Sendable {
    /// A word: `ContainerCreating`, `ImagePullBackOff`, `CrashLoopBackOff`, …
    public var reason: String?
    /// Why, for people.
    public var message: String?
  }

  /// A container that runs.
  public struct Running: Codable, Hashable, Sendable {
    /// Since when.
    public var startedAt: Timestamp?
  }

  /// How a container ended.
  public struct Terminated: Codable, Hashable, Sendable {
    /// The exit code of its process; 128 and the signal's number where one ended it.
    public var exitCode: Int32
    /// `Completed`, `Error`, `OOMKilled`, …
    public var reason: String?
    /// The termination message: what the process left for us, or the end of its log.
    public var message: String?
    /// When it ended.
    public var finishedAt: Timestamp?
  }

  /// The container's name.
  public var name: String
  /// Whether it is ready for clients.
  public var ready: Bool?
  /// How often it was started again.
  public var restartCount: Int?
  /// How it is.
  public var state: State?
  /// How it last ended, where it was started again.
  public var lastState: State?
}
