import KubeModel
import Synchronization

/// What a run may be in.
public enum StepWorkloadKind: Sendable, Hashable, CaseIterable {
  /// A Job, for what comes to an end.
  case job
  /// A Deployment, for what goes on until it is stopped.
  case deployment
}

/// What a run is in, as the API server has it.
enum StepWorkload: Sendable {
  case job(Job)
  case deployment(Deployment)

  var kind: StepWorkloadKind {
    switch self {
    case .job: .job
    case .deployment: .deployment
    }
  }

  var metadata: ObjectMeta {
    switch self {
    case .job(let job): job.metadata
    case .deployment(let deployment): deployment.metadata
    }
  }
}

extension StepName {
  /// What a run of it is in.
  var workload: StepWorkloadKind { runsUntilStopped ? .deployment : .job }
}

/// The runs that this process started, until they are discarded: a cache may not show them yet. As many as there are
/// steps at work.
final class StartedRuns: Sendable {
  private let kinds = Mutex<[StepID: StepWorkloadKind]>([:])

  subscript(id: StepID) -> Set<StepWorkloadKind> {
    kinds.withLock { kinds in Set([kinds[id]].compactMap { $0 }) }
  }

  func insert(_ id: StepID, _ kind: StepWorkloadKind) { kinds.withLock { $0[id] = kind } }

  func remove(_ id: StepID) { kinds.withLock { _ = $0.removeValue(forKey: id) } }
}
