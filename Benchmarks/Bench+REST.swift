import ArgumentParser
import Foundation
import KubeClient
import KubeModel
import Logging
import TestSupport
import TidemarkAPI

/// The REST facade's list of many Backups, beside the same list of the API server itself.
struct RESTBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rest",
    abstract: "Requests per second and latencies of GET /databases/:id/backups, beside the API server's own list.")

  @Option(help: "How many Backups the Database has.")
  var listed = 10_000

  @Option(help: "For how many seconds each list is asked for.")
  var seconds = 10

  @Option(help: "How many connections ask at once.")
  var connections = 32

  func validate() throws {
    guard listed > 0, listed <= 100_000 else { throw ValidationError("--listed is 1 to 100000") }
    guard seconds > 0, seconds <= 600 else { throw ValidationError("--seconds is 1 to 600") }
    guard connections > 0, connections <= 1000 else { throw ValidationError("--connections is 1 to 1000") }
  }

  func run() async throws {
    say("rest: the API server")
    let kube = try await TestServers.kube()
    try await kube.kubectl("apply", "--server-side", "--filename", RuntimeBench.crds)
    try await kube.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
    let backups = RuntimeBackups(kube: kube, namespace: try await kube.makeNamespace("bench"), count: listed)
    do {
      say("rest: making \(listed) Backups")
      try await makeDatabase(kube, backups.namespace)
      try await backups.make()
      try await measure(kube, backups.namespace)
    } catch {
      await backups.remove()
      throw error
    }
    await backups.remove()
  }

  private func makeDatabase(_ kube: TestKube, _ namespace: String) async throws {
    let client = try KubeClient(
      configuration: try .load(kubeconfig: kube.kubeconfig), logger: Logger(label: "bench"))
    let connection = DatabaseConnection(host: "127.0.0.1", secretName: "orders")
    let result: Result<Database, any Error>
    do {
      result = .success(
        try await client.create(
          Database(
            metadata: ObjectMeta(name: "orders", namespace: namespace), spec: DatabaseSpec(connection: connection))))
    } catch {
      result = .failure(error)
    }
    await client.shutdown()
    _ = try result.get()
  }

  private func measure(_ kube: TestKube, _ namespace: String) async throws {
    let facade = try RunningProgram.start(
      try builtProgram("tidemark"),
      [
        "api", "--kubeconfig", kube.kubeconfig, "--namespace", namespace, "--rest-listen", "127.0.0.1:0",
        "--rest-rate-limit", "0",
      ], environment: ["TIDEMARK_LOG_LEVEL": "info"])
    let line = try await facade.line(containing: "serving the REST API", within: .seconds(60))
    guard let start = line.range(of: "http://127.0.0.1:") else { throw BenchError("no address in '\(line)'") }
    let root = "http://127.0.0.1:\(line[start.upperBound...].prefix(while: \.isNumber))"
    try await eventually(within: .seconds(120), "the facade is ready") {
      (try? await RunningProgram.run("curl", ["-fsS", "\(root)/readyz"])) != nil
    }
    let (ours, theirs) = (
      "\(root)/api/v1/databases/\(namespace)%2Forders/backups",
      "\(kube.url)/apis/tidemark.dev/v1alpha1/namespaces/\(namespace)/backups"
    )
    var lines = [
      "## REST: a list of \(listed) Backups, \(connections) connections, \(seconds) s each", "",
      "| page | tidemark api: requests/s | p50 ms | p99 ms | MB/s | API server: requests/s | p50 ms | p99 ms | MB/s |",
      "|---|---|---|---|---|---|---|---|---|",
    ]
    for limit in [10, 100, 1000] {
      say("rest: pages of \(limit)")
      let query = "?limit=\(limit)"
      let (mine, peer) = (
        try await wrk("\(ours)\(query)", kube.token), try await wrk("\(theirs)\(query)", kube.token)
      )
      lines.append(
        "| \(limit) | \(number(mine.perSecond))\(ratio(mine.perSecond, peer.perSecond)) | \(number(mine.p50)) | "
          + "\(number(mine.p99)) | \(number(mine.megabytes)) | \(number(peer.perSecond)) | \(number(peer.p50)) | "
          + "\(number(peer.p99)) | \(number(peer.megabytes)) |")
    }
    facade.signal(SIGTERM)
    let outcome = try await facade.wait(within: .seconds(60))
    lines.append("")
    lines.append(
      "tidemark api used \(number(outcome.cpuSeconds)) s of CPU and \(number(Double(outcome.peakMemory) / 1_048_576)) "
        + "MiB at most; it speaks plain HTTP here, the API server TLS.")
    show(lines.joined(separator: "\n") + "\n")
  }

  private func wrk(_ url: String, _ token: String) async throws -> LoadFigures {
    let output = try await RunningProgram.run(
      "wrk",
      [
        "--threads", "2", "--connections", "\(connections)", "--duration", "\(seconds)s", "--timeout", "30s",
        "--latency",
        "--header", "Authorization: Bearer \(token)", url,
      ], within: .seconds(seconds + 120)
    ).output
    return try LoadFigures(wrk: output)
  }
}

/// What wrk says of a load.
struct LoadFigures {
  var perSecond = 0.0
  /// Milliseconds.
  var p50 = 0.0
  var p99 = 0.0
  /// A second.
  var megabytes = 0.0

  /// Reads wrk's report; throws where a figure is missing, or an answer was not 200.
  init(wrk report: String) throws {
    var found: Set<String> = []
    for line in report.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      guard words.count >= 2 else { continue }
      switch words[0] {
      case "50%": p50 = try Self.milliseconds(words[1])
      case "99%": p99 = try Self.milliseconds(words[1])
      case "Requests/sec:": perSecond = Double(words[1]) ?? 0
      case "Transfer/sec:": megabytes = try Self.megabytes(words[1])
      case "Non-2xx", "Socket": throw BenchError("wrk met errors: \(line)")
      default: continue
      }
      found.insert(words[0])
    }
    guard found.count == 4 else { throw BenchError("wrk's report lacks figures: \(report)") }
  }

  private static func milliseconds(_ text: String) throws -> Double {
    for (unit, factor) in [("us", 0.001), ("ms", 1), ("s", 1000), ("m", 60_000)] where text.hasSuffix(unit) {
      if let value = Double(text.dropLast(unit.count)) { return value * factor }
    }
    throw BenchError("'\(text)' is no time of wrk")
  }

  private static func megabytes(_ text: String) throws -> Double {
    for (unit, factor) in [("GB", 1000.0), ("MB", 1), ("KB", 0.001), ("B", 0.000_001)] where text.hasSuffix(unit) {
      if let value = Double(text.dropLast(unit.count)) { return value * factor }
    }
    throw BenchError("'\(text)' is no size of wrk")
  }
}
