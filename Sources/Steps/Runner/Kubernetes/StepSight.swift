package import KubeModel
import TidemarkAPI

/// What a run's Job or Deployment and its pods tell of it. Pure: no client, no clock.
package enum StepSight: Equatable, Sendable {
  /// All that there is to know.
  case state(StepState)
  /// It has ended, and its result is to be read from the log of this pod.
  case resultInLog(pod: String, TerminationMessage.Pointer)

  /// How long a pod may take to begin before it is told why it has not.
  package static let startBound: Duration = .seconds(60)

  /// What a Job tells. Only its own pods count: an earlier Job of the name may have left some.
  package static func of(_ job: Job, _ pods: [Pod], now: Timestamp) -> StepSight {
    let own = pods.filter { pod in pod.metadata.ownerReferences.contains { $0.uid == job.metadata.uid } }.newestFirst
    // A Job that missed its deadline is Failed while its pod still ends.
    if let pod = own.first(where: \.isRunning) { return .atWork(unless: pod.hindrance(now)) }
    guard let ending = job.ending else {
      let hindrance = own.first.map { $0.hindrance(now) } ?? Self.withoutPod(job.metadata, "job", now)
      return .atWork(unless: hindrance)
    }
    let endings = own.compactMap(\.ending)
    return endings.first(where: \.isDone) ?? endings.first ?? .state(.lost(lastWords: ending.words))
  }

  /// What a Deployment tells: it is at work for as long as it is there, and its pod may be hindered.
  package static func of(_ deployment: Deployment, _ pods: [Pod], now: Timestamp) -> StepSight {
    guard let pod = pods.filter({ !$0.metadata.isDeleting }).newestFirst.first else {
      return .atWork(unless: withoutPod(deployment.metadata, "deployment", now))
    }
    return .atWork(unless: pod.failure ?? pod.hindrance(now))
  }

  /// Whether it ended well; the result of a product in a log is one.
  private var isDone: Bool {
    switch self {
    case .state(.ended(.done)), .resultInLog: true
    default: false
    }
  }

  private static func withoutPod(_ metadata: ObjectMeta, _ kind: String, _ now: Timestamp) -> FailureStatus? {
    guard metadata.isOlder(than: startBound, now) else { return nil }
    return .notStarted(
      "\(kind) \(metadata.name ?? "") has no pod; `kubectl describe \(kind.lowercased()) \(metadata.name ?? "")` tells why: "
        + "a quota, a policy, or a missing service account")
  }

  private static func atWork(unless hindrance: FailureStatus?) -> StepSight {
    .state(hindrance.map { .waiting($0) } ?? .running)
  }
}

extension Pod {
  private var container: ContainerStatus? {
    status?.containerStatuses?.first { $0.name == PodTemplate.container }
  }

  fileprivate var isRunning: Bool { container?.state?.running != nil }

  /// Why the container has not begun; nil where there is nothing to tell.
  fileprivate func hindrance(_ now: Timestamp) -> FailureStatus? {
    let name = metadata.name ?? ""
    guard !isRunning, container?.state?.terminated == nil else { return nil }
    if let waiting = container?.state?.waiting, let reason = waiting.reason, !Self.ordinary.contains(reason) {
      return FailureStatus(code: reason, message: "pod \(name): \(waiting.message ?? reason)")
    }
    if let scheduled = status?.conditions?[type: "PodScheduled"], scheduled.status == .false {
      let code = scheduled.reason.isEmpty ? "Unschedulable" : scheduled.reason
      return FailureStatus(code: code, message: "pod \(name) has no node yet: \(scheduled.message)")
    }
    guard metadata.isOlder(than: StepSight.startBound, now) else { return nil }
    return .notStarted("pod \(name) has not begun; `kubectl describe pod \(name)` tells why: a volume, or its image")
  }

  /// What a container says that is just being started.
  private static let ordinary: Set<String> = ["ContainerCreating", "PodInitializing"]

  /// What a container failed with that is to be started again.
  fileprivate var failure: FailureStatus? {
    guard let state = container?.state, state.running == nil,
      state.terminated != nil || state.waiting?.reason == "CrashLoopBackOff"
    else { return nil }
    switch ending {
    case .state(.ended(.failed(let failure))), .state(.ended(.tryAgain(let failure))): return failure
    case .state(.lost(let words)): return FailureStatus(code: "StepLost", message: words)
    default: return .notStarted("it ended by itself, and is started again")
    }
  }

  /// How its container, or the whole pod, ended; nil where nothing says that.
  fileprivate var ending: StepSight? {
    guard let ended = container?.state?.terminated ?? container?.lastState?.terminated else {
      guard let reason = status?.reason else { return nil }
      return .state(.lost(lastWords: [reason, status?.message].compactMap { $0 }.joined(separator: ": ")))
    }
    switch TerminationMessage.decode(ended.message) {
    case .result(let result): return .state(.ended(result))
    case .inLog(let pointer): return .resultInLog(pod: metadata.name ?? "", pointer)
    case nil: return .state(ended.state)
    }
  }
}

extension ContainerStatus.Terminated {
  /// What an ending without a result means: the exit code says it.
  fileprivate var state: StepState {
    let said = message.map { $0.trimmingLines } ?? ""
    let words = "\(reason ?? "Error") (exit code \(exitCode))" + (said.isEmpty ? "" : "; it last said: \(said)")
    switch exitCode {
    case StepExitCode.failed.rawValue: return .ended(.failed(FailureStatus(code: "StepFailed", message: words)))
    case StepExitCode.tryAgain.rawValue: return .ended(.tryAgain(FailureStatus(code: "StepFailed", message: words)))
    case 2:
      let message = "the image does not know this step, or not this command line; give the controller's own image: "
      return .ended(.failed(FailureStatus(code: "StepUnknown", message: message + words)))
    default: return .lost(lastWords: words)
    }
  }
}

extension Condition {
  /// What a Job's ending says, for people.
  fileprivate var words: String {
    reason == "DeadlineExceeded"
      ? "it did not end before its deadline; raise --step-deadline, or see what holds it up"
      : "\(reason.isEmpty ? type : reason): \(message), and its pod is gone"
  }
}

extension FailureStatus {
  fileprivate static func notStarted(_ message: String) -> FailureStatus {
    FailureStatus(code: "StepNotStarted", message: message)
  }
}

extension ObjectMeta {
  fileprivate func isOlder(than bound: Duration, _ now: Timestamp) -> Bool {
    guard let creationTimestamp else { return false }
    return .seconds(now.secondsSince1970 - creationTimestamp.secondsSince1970) > bound
  }
}

extension [Pod] {
  fileprivate var newestFirst: [Pod] {
    sorted {
      let (left, right) = ($0.metadata.creationTimestamp, $1.metadata.creationTimestamp)
      return left == right
        ? ($0.metadata.name ?? "") > ($1.metadata.name ?? "")
        : (left?.secondsSince1970 ?? 0) > (right?.secondsSince1970 ?? 0)
    }
  }
}

extension String {
  /// The last few lines, at most 1,000 characters.
  fileprivate var trimmingLines: String {
    String(split(separator: "\n").suffix(8).joined(separator: "\n").suffix(1000))
  }
}
