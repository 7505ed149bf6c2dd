public import KubeModel

/// A phase of what is done by a step that is tried several times; here are those that all of them go through.
public protocol AttemptedPhase: Codable, Sendable, Equatable {
  /// Waiting for what it needs.
  static var pending: Self { get }
  /// It failed for good.
  static var failed: Self { get }
  /// Whether it completed or failed.
  var isFinal: Bool { get }
}

/// What resources say alike whose work is a step that is tried several times.
public protocol AttemptedStatus: Codable, Sendable, Equatable {
  associatedtype Phase: AttemptedPhase

  /// A status that says nothing yet.
  init()

  /// The generation of the spec that the rest speaks of.
  var observedGeneration: Int64? { get set }
  /// `Ready`, `Reconciling`, `Stalled`.
  var conditions: [Condition]? { get set }
  /// How far it is.
  var phase: Phase? { get set }
  /// When the first attempt began.
  var startedAt: Timestamp? { get set }
  /// When it completed or failed.
  var completedAt: Timestamp? { get set }
  /// How often its step was started.
  var attempts: Int? { get set }
  /// When the next attempt begins, after a failure that may pass.
  var retryAt: Timestamp? { get set }
  /// How far the step is.
  var progress: StepProgress? { get set }
  /// What went wrong.
  var error: FailureStatus? { get set }
}

/// A phase of a PITRClone or a RestoreRequest; here are those that both go through.
public protocol RestoringPhase: AttemptedPhase {
  /// What it needs is looked for; nothing has been created.
  static var preflight: Self { get }
  /// The base backup is being restored.
  static var restoring: Self { get }
  /// The new instance replays its write-ahead log.
  static var recovering: Self { get }
}

/// What a PITRClone and a RestoreRequest say alike of their way to an instance that takes connections.
public protocol RestoringStatus: AttemptedStatus where Phase: RestoringPhase {
  /// What the recovery is made of.
  var preflight: PreflightStatus? { get set }
  /// The moment that was reached.
  var recoveredTo: RecoveredTo? { get set }
}

extension BackupPhase: AttemptedPhase {}
extension BackupStatus: AttemptedStatus {}
extension PITRClonePhase: RestoringPhase {}
extension PITRCloneStatus: RestoringStatus {}
extension RestorePhase: RestoringPhase {
  public var isFinal: Bool { self == .completed || self == .failed }
}
extension RestoreRequestStatus: RestoringStatus {}
