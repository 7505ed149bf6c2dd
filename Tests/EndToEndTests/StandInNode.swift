import Foundation
import Glibc
import TestSupport

/// Plays a cluster's node for the steps of a bed: runs what their Jobs and Deployments say as processes, with the files
/// that their pods would find, and tells the API server how they are.
///
/// It is what `hack/cluster` has kubelet and containerd for; here a step can be killed at a moment of the test's choice.
actor StandInNode {
  private struct Listing: Decodable { var items: [Workload] }

  private struct Workload: Decodable {
    struct Metadata: Decodable {
      var name: String
      var uid: String
      var deletionTimestamp: String?
    }
    struct Spec: Decodable { var template: Template }
    struct Template: Decodable { var spec: PodSpec }
    struct PodSpec: Decodable {
      var containers: [Container]
      var volumes: [Volume]
    }
    struct Container: Decodable { var command: [String] }
    struct Volume: Decodable { var projected: Projection? }
    struct Projection: Decodable { var sources: [Source] }
    struct Source: Decodable {
      var configMap: Files?
      var secret: Files?
    }
    struct Files: Decodable {
      var name: String
      var items: [Item]
    }
    struct Item: Decodable {
      var key: String
      var path: String
    }

    var kind: String
    var metadata: Metadata
    var spec: Spec

    var path: String { "\(kind.lowercased())/\(metadata.name)" }
  }

  private struct Fields: Decodable { var data: [String: String] }

  private struct Run {
    var workload: Workload
    var pod: String
    var folder: String
    var program: RunningProgram
    var isTold = false
  }

  private let bed: Bed
  private let stage: PodStage
  private var runs: [String: Run] = [:]

  private init(_ bed: Bed) {
    self.bed = bed
    stage = PodStage(bed.kube, namespace: bed.namespace)
  }

  /// Runs `body` with the node at work; what still runs after is killed.
  static func with(_ bed: Bed, _ body: @Sendable @escaping (StandInNode) async throws -> Void) async throws {
    let node = StandInNode(bed)
    do {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await node.work() }
        group.addTask { try await body(node) }
        defer { group.cancelAll() }
        try await group.next()
      }
    } catch {
      try await node.end()
      throw error
    }
    try await node.end()
  }

  /// The process of a run whose name begins so, once there is one.
  func process(_ prefix: String) -> Int32? {
    runs.values.first { $0.workload.metadata.name.hasPrefix(prefix) && $0.program.isRunning }?.program.processID
  }

  private func work() async throws {
    var failures = 0
    while !Task.isCancelled {
      do {
        try await turn()
        failures = 0
      } catch {
        // What was listed may be gone a moment later; what is wrong stays so.
        failures += 1
        guard failures < 20, !Task.isCancelled else { throw error }
      }
      try await Task.sleep(for: .milliseconds(200))
    }
  }

  private func end() async throws {
    for run in runs.values where run.program.isRunning { try await run.program.kill() }
  }

  private func turn() async throws {
    let text = try await bed.kubectl("get", "jobs,deployments", "-o", "json")
    let workloads = try JSONDecoder().decode(Listing.self, from: Data(text.utf8)).items
    for workload in workloads where runs[workload.metadata.uid] == nil && workload.metadata.deletionTimestamp == nil {
      runs[workload.metadata.uid] = try await begin(workload)
    }
    let present = Dictionary(uniqueKeysWithValues: workloads.map { ($0.metadata.uid, $0) })
    for (uid, run) in runs {
      guard let workload = present[uid], workload.metadata.deletionTimestamp == nil else {
        try await go(uid, run, isThere: present[uid] != nil)
        continue
      }
      if !run.isTold, !run.program.isRunning {
        try await tell(run)
        runs[uid]?.isTold = true
      }
    }
  }

  /// Ends what was deleted, as a kubelet does, and then lets its object go.
  private func go(_ uid: String, _ run: Run, isThere: Bool) async throws {
    run.program.signal(SIGTERM)
    guard !run.program.isRunning else { return }
    if isThere { try await stage.collect(run.workload.path, run: run.workload.metadata.name) }
    runs[uid] = nil
  }

  private func begin(_ workload: Workload) async throws -> Run {
    let pod = try await stage.makePod(of: workload.path)
    let folder = "\(bed.scratchPath)/pods/\(pod)"
    for source in workload.spec.template.spec.volumes.compactMap(\.projected).flatMap(\.sources) {
      if let files = source.configMap { try await write(files, "configmap", folder) { Data($0.utf8) } }
      if let files = source.secret { try await write(files, "secret", folder) { Data(base64Encoded: $0) ?? Data() } }
    }
    try Data().write(to: URL(filePath: "\(folder)/termination-log"))
    let command = workload.spec.template.spec.containers[0].command.map {
      $0.replacing("/etc/tidemark/step", with: folder)
        .replacing("/dev/termination-log", with: "\(folder)/termination-log")
    }
    let program = try RunningProgram.start(
      builtProgram("tidemark"), Array(command.dropFirst()), environment: ["KUBECONFIG": bed.kube.kubeconfig])
    try await stage.set(pod, .running)
    return Run(workload: workload, pod: pod, folder: folder, program: program)
  }

  private func write(
    _ files: Workload.Files, _ kind: String, _ folder: String, _ decode: (String) -> Data
  ) async throws {
    let text = try await bed.kubectl("get", kind, files.name, "-o", "json")
    let fields = try JSONDecoder().decode(Fields.self, from: Data(text.utf8)).data
    for item in files.items {
      let file = URL(filePath: "\(folder)/\(item.path)")
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try decode(fields[item.key] ?? "").write(to: file)
    }
  }

  private func tell(_ run: Run) async throws {
    let outcome = try await run.program.wait(within: .seconds(1))
    let code: Int32
    switch outcome.ending {
    case .exited(let status): code = status
    case .signalled(let signal): code = 128 + signal
    }
    var message = try String(contentsOfFile: "\(run.folder)/termination-log", encoding: .utf8)
    if message.isEmpty, code != 0 { message = String(outcome.errors.suffix(2048)) }
    try await stage.set(run.pod, .ended(code: code, reason: code == 0 ? "Completed" : "Error", message: message))
    guard run.workload.kind == "Job" else { return }
    try await stage.end(
      run.workload.metadata.name, failed: code == 0 ? nil : "BackoffLimitExceeded",
      message: "Job has reached the specified backoff limit")
  }
}
