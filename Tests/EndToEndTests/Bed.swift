import Foundation
import Glibc
import Synchronization
import TestSupport

/// A controller of a test's own on real servers: a namespace, a bucket, a state directory.
///
/// The API server and the S3 server are shared with other tests; the controller watches its namespace only.
final class Bed: Tenant {
  let kube: TestKube
  let s3: TestS3
  let namespace: String
  let bucket: String
  private let scratch: ScratchDirectory
  private let current = Mutex<RunningProgram?>(nil)
  private let earlier = Mutex<[RunningProgram]>([])

  private let platform: Platform

  /// Where the controller runs steps.
  enum Platform: String, Sendable {
    case kubernetes, local
  }

  /// Runs `body` with a bed whose controller is at work, and ends all of it after.
  static func with<Value: Sendable>(
    _ name: String, on platform: Platform = .local, _ body: (Bed) async throws -> Value
  ) async throws -> Value {
    let bed = try await Bed(name, platform)
    do {
      try await bed.startController()
      let value = try await body(bed)
      try await bed.end()
      return value
    } catch {
      let told = BedFailed(error: error, log: bed.controllerLogs)
      try await bed.end()
      throw told
    }
  }

  private init(_ name: String, _ platform: Platform) async throws {
    self.platform = platform
    kube = try await TestServers.kube()
    s3 = try await TestServers.s3()
    scratch = try ScratchDirectory("bed")
    bucket = try await s3.makeBucket()
    try await kube.kubectl("apply", "-f", Self.checkout("crds"))
    try await kube.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    namespace = try await kube.makeNamespace(name)
  }

  /// A path in the checkout that this was built from.
  private static func checkout(_ path: String, here: String = #filePath) -> String {
    here.split(separator: "/").dropLast(3).map { "/" + $0 }.joined() + "/" + path
  }

  // MARK: The controller

  /// Starts the controller, also after `killController()`.
  func startController() async throws {
    var arguments = ["controller", "--kubeconfig", kube.kubeconfig, "--namespace", namespace]
    arguments += ["--state-dir", state, "--platform", platform.rawValue]
    if platform == .kubernetes { arguments += ["--step-image", "tidemark:dev"] }
    if geteuid() == 0 { arguments += ["--pg-user", "postgres"] }
    let program = try RunningProgram.start(builtProgram("tidemark"), arguments)
    current.withLock { $0 = program }
    try await program.line(containing: "serving metrics", within: .seconds(60))
  }

  /// SIGKILL, as when its node dies.
  func killController() async throws {
    guard let program = takeController() else { return }
    earlier.withLock { $0.append(program) }
    try await program.kill()
  }

  private func takeController() -> RunningProgram? {
    current.withLock { current in
      defer { current = nil }
      return current
    }
  }

  /// What all controllers of this bed logged.
  var controllerLogs: String {
    let programs = earlier.withLock { $0 } + current.withLock { [$0].compactMap { $0 } }
    return programs.map { $0.output + $0.errors }.joined(separator: "\n")
  }

  private func end() async throws {
    if let program = takeController() {
      program.signal(SIGTERM)
      if (try? await program.wait(within: .seconds(30))) == nil { try await program.kill() }
    }
    // Steps and instances outlive the controller; this ends those below the folder, and removes it.
    try await RunningProgram.run(Self.checkout("hack/demo-end"), [scratch.path], within: .seconds(120))
  }

  // MARK: Steps

  /// The state directory.
  var state: String { scratch.file("state") }

  /// The folder of all that is this bed's.
  var scratchPath: String { scratch.path }

  /// The folders of the steps whose names begin so, such as `base-backup`.
  func steps(_ prefix: String) -> [String] {
    let folder = "\(state)/steps/\(namespace)"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasPrefix(prefix) }.sorted().map { "\(folder)/\($0)" }
  }

  /// The names of the instances that lie below the state directory.
  var instances: [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: "\(state)/instances/\(namespace)")) ?? []
  }

  /// Waits for a step at work, and gives its process id.
  func stepAtWork(_ prefix: String, otherThan known: Int32 = 0) async throws -> Int32 {
    try await eventually(within: .seconds(90), "a step \(prefix) is at work") {
      for folder in steps(prefix) {
        guard let text = try? String(contentsOfFile: "\(folder)/pid", encoding: .utf8),
          let pid = Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)), pid != known, kill(pid, 0) == 0
        else { continue }
        return pid
      }
      return nil
    }
  }
}

/// What went wrong in a bed, with what the program said meanwhile.
struct BedFailed: Error, CustomStringConvertible {
  let error: any Error
  let log: String

  var description: String { "\(error)\n\(log.suffix(12_000))" }
}
