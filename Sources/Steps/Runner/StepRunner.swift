public import TidemarkAPI

/// The identity of one run of a step: the same work has the same identity, however often a controller asks for it.
public struct StepID: Hashable, Sendable, Codable, CustomStringConvertible {
  /// The namespace of the resource that it serves.
  public var namespace: String
  /// A name, unique in the namespace: a DNS label.
  public var name: String

  /// The run of this name.
  public init(namespace: String, name: String) { (self.namespace, self.name) = (namespace, name) }

  public var description: String { "\(namespace)/\(name)" }
}

/// A step that is to run.
public struct StepRequest: Sendable {
  /// The run's identity.
  public var id: StepID
  /// Whom it serves, in the namespace of `id`.
  public var subject: StepSubject
  /// Which step.
  public var step: StepName
  /// The step's input, as JSON; it names the files of `secrets`, relative to itself.
  public var input: [UInt8]
  /// What the step must know and nobody else: contents by file name. Never logged.
  public var secrets: [String: [UInt8]]
  /// The volumes that it works on, by the paths that ``StepRunner/path(of:)`` gives.
  public var volumes: [StepVolume]

  /// A run of `step` for `subject` with this input.
  public init(
    id: StepID, subject: StepSubject, step: StepName, input: [UInt8], secrets: [String: [UInt8]],
    volumes: [StepVolume] = []
  ) {
    (self.id, self.subject, self.step, self.input) = (id, subject, step, input)
    (self.secrets, self.volumes) = (secrets, volumes)
  }
}

/// How far a run is.
public enum StepState: Sendable, Equatable {
  /// Never started, or discarded.
  case absent
  /// Its process is at work, or is just being started.
  case running
  /// Its process is not at work, and its platform starts it, or starts it again, by itself as soon as it can: why not
  /// yet.
  case waiting(FailureStatus)
  /// Its process ended and left this result.
  case ended(StepResult)
  /// Its process ended without a result: it was killed, or it crashed. `lastWords` is the end of its log.
  case lost(lastWords: String)

  /// Whether the run goes on, or will, without anybody doing anything.
  public var isAtWork: Bool {
    switch self {
    case .running, .waiting: true
    case .absent, .ended, .lost: false
    }
  }
}

/// What runs steps: a cluster's Jobs, or processes of this machine.
///
/// A runner keeps a step running when the controller ends, and finds it again after. Every call may be repeated.
public protocol StepRunner: Sendable {
  /// Starts the run unless it is at work or has ended with a result; after a run that was lost it starts anew.
  func start(_ request: StepRequest) async throws

  /// How far the run is.
  func state(of id: StepID) async throws -> StepState

  /// Whether the run that is at work was started with the same input and secrets as `request`.
  func isCurrent(_ request: StepRequest) async throws -> Bool

  /// Ends the run's process if it is at work: asked first, killed after a bound. When it returns, nothing runs.
  func stop(_ id: StepID) async throws

  /// Removes every trace of a run that is not at work, its secrets first.
  func discard(_ id: StepID) async throws

  /// The runs of which there are traces, in every namespace.
  func known() async throws -> [StepID]

  /// Where a run finds a volume. Throws a ``StepError`` (`volumeUnreachable`) where it can't reach it.
  func path(of volume: StepVolume) throws -> String
}
