package import KubeModel

/// What a pod of an instance says while its server does not answer.
package enum InstancePodSight {
  /// How often a server that ends by itself is started again before that is told as its failure: whatever it needs may
  /// be late, and a recovery that can't succeed ends each time.
  package static let patience = 3

  /// The instance's state; `pod` is nil where there is none yet.
  package static func state(_ pod: Pod?) -> InstanceState {
    guard let pod else { return .starting }
    let name = pod.metadata.name ?? ""
    if let condition = pod.status?.conditions?[type: "PodScheduled"], condition.status == .false {
      return .waiting(message: "pod \(name) has no node: \(condition.message)")
    }
    for container in pod.status?.initContainerStatuses ?? [] {
      if let why = obstacle(container) {
        return .waiting(message: "container \(container.name) of pod \(name): \(why)")
      }
    }
    guard let server = pod.status?.containerStatuses?.first(where: { $0.name == InstanceManifests.container }) else {
      return .starting
    }
    if let ended = server.state?.terminated ?? (server.state?.running == nil ? server.lastState?.terminated : nil) {
      let message = lastWords(ended)
      guard (server.restartCount ?? 0) < patience else { return .failed(message: message) }
      return .waiting(message: "the server ended and is started again; it last said: \(message)")
    }
    return obstacle(server).map { .waiting(message: "pod \(name): \($0)") } ?? .starting
  }

  /// Why a container does not run, where that is not only a matter of time.
  private static func obstacle(_ container: ContainerStatus) -> String? {
    if let ended = container.state?.terminated, ended.exitCode != 0 { return lastWords(ended) }
    guard let waiting = container.state?.waiting, let reason = waiting.reason,
      !["ContainerCreating", "PodInitializing"].contains(reason)
    else { return nil }
    let said = container.lastState?.terminated.map { "; it last said: \(lastWords($0))" } ?? ""
    return [reason, waiting.message].compactMap { $0 }.joined(separator: ": ") + said
  }

  /// The end of what a container said, from the error on that ended it, where PostgreSQL told one.
  private static func lastWords(_ ended: ContainerStatus.Terminated) -> String {
    let lines = (ended.message ?? "").split(separator: "\n")
    let error = lines.lastIndex { $0.contains("FATAL:") || $0.contains("PANIC:") }
    let words = (error.map { lines[$0...].prefix(5) } ?? lines.suffix(5)).joined(separator: "\n")
    guard words.isEmpty else { return words }
    return "\(ended.reason ?? "it ended") (exit code \(ended.exitCode))"
  }
}
