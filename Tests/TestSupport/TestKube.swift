import Foundation

/// etcd and kube-apiserver, as `hack/kube` starts them: no nodes and no controllers.
public struct TestKube: Sendable {
  /// The two programs.
  public enum Program: String, Sendable {
    case apiserver
    case etcd
  }

  /// Whether the API server answers lists and watches from its memory, as it does by default.
  public enum WatchCache: Sendable {
    case on
    case off
  }

  /// A kubeconfig of an administrator, with the contexts `token` (the current one) and `certificate`.
  public let kubeconfig: String
  /// `https://127.0.0.1:PORT`.
  public let url: String
  /// The certificate of the authority that signed the server's.
  public let caFile: String
  /// An administrator's bearer token.
  public let token: String
  /// The folder of the servers: `hack/kube … --dir` takes it.
  public let directory: String

  private let kubectlProgram: String

  /// Starts servers for one test; this takes some five seconds.
  public static func start(watchCache: WatchCache = .on) async throws -> TestKube {
    try await start(in: ScratchDirectory("kube").path, watchCache: watchCache)
  }

  static func start(in directory: String, watchCache: WatchCache = .on) async throws -> TestKube {
    var arguments = ["up", "--dir", directory]
    if watchCache == .off { arguments.append("--no-watch-cache") }
    try await HackScript.run("kube", arguments)
    let values = try HackScript.environment(in: directory)
    return TestKube(
      kubeconfig: try values.required("KUBECONFIG"), url: try values.required("TIDEMARK_KUBE_URL"),
      caFile: try values.required("TIDEMARK_KUBE_CA_FILE"), token: try values.required("TIDEMARK_KUBE_TOKEN"),
      directory: directory, kubectlProgram: try values.required("TIDEMARK_KUBE_KUBECTL"))
  }

  /// The port of `url` on 127.0.0.1, for a `FaultProxy`.
  public var port: Int { url.split(separator: ":").last.flatMap { Int($0) } ?? 0 }

  /// Makes a namespace with a name that nobody has, and gives the name.
  public func makeNamespace(_ name: String = "test") async throws -> String {
    let unique = "\(name)-\(String(UInt64.random(in: 0 ... .max), radix: 36))"
    try await kubectl("create", "namespace", unique)
    return unique
  }

  /// Runs kubectl as administrator and gives what it printed; an exit code other than 0 throws.
  @discardableResult
  public func kubectl(_ arguments: String...) async throws -> String {
    try await RunningProgram.run(kubectlProgram, ["--kubeconfig", kubeconfig] + arguments).output
  }

  /// The beginning of a command line that runs kubectl as administrator.
  public var kubectlCommand: [String] { [kubectlProgram, "--kubeconfig", kubeconfig] }

  /// `kubectl apply --server-side` of a manifest.
  public func apply(_ manifest: String, namespace: String = "default") async throws {
    try await ScratchDirectory.with("manifest") { scratch in
      let file = scratch.file("manifest.yaml")
      try manifest.write(toFile: file, atomically: true, encoding: .utf8)
      try await kubectl("--namespace", namespace, "apply", "--server-side", "--filename", file)
    }
  }

  /// A kubeconfig of a user who has no rights but those that RBAC gives to `user` and `groups`.
  public func kubeconfig(user: String, groups: [String] = []) async throws -> String {
    let text = try await HackScript.run(
      "kube", ["kubeconfig", "--dir", directory, "--user", user] + groups.flatMap { ["--group", $0] })
    let file = try ScratchDirectory("kubeconfig").file("kubeconfig")
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    return file
  }

  /// etcd forgets all but the current revision. With its watch cache on, the API server knows old revisions
  /// until it is restarted; without, a watch from one is answered with 410.
  public func compact() async throws { try await HackScript.run("kube", ["compact", "--dir", directory]) }

  /// Ends a program in good order.
  public func stop(_ program: Program) async throws { try await run("stop", program) }

  /// Starts a program again, on its port and its data, and waits until it is ready.
  public func start(_ program: Program) async throws { try await run("start", program) }

  /// `stop`, then `start`.
  public func restart(_ program: Program) async throws { try await run("restart", program) }

  /// SIGKILL.
  public func kill9(_ program: Program) async throws { try await run("kill9", program) }

  /// Ends both and deletes their data: for servers of one test.
  public func remove() async throws { try await HackScript.run("kube", ["down", "--remove", "--dir", directory]) }

  private func run(_ command: String, _ program: Program) async throws {
    try await HackScript.run("kube", [command, program.rawValue, "--dir", directory])
  }
}
