import ArgumentParser
import Foundation
import Glibc
import TestSupport

/// The controller runtime on a real API server that has many Backups.
struct RuntimeBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runtime",
    abstract: "Cold sync, memory, latency and reconciles per second with many Backups, beside kubectl's list of them.")

  @Option(help: "How many Backups the API server has.")
  var objects = 10_000

  @Option(help: "Over how many creates the latency is measured.")
  var creates = 200

  @Option(help: "How many reconciles that write a status are measured, for each number of workers.")
  var writes = 1000

  func validate() throws {
    guard objects > 0, objects <= 100_000 else { throw ValidationError("--objects is 1 to 100000") }
    guard creates > 0, creates <= 10_000 else { throw ValidationError("--creates is 1 to 10000") }
    guard writes > 0 else { throw ValidationError("--writes is at least 1") }
  }

  func run() async throws {
    say("runtime: the API server")
    let kube = try await TestServers.kube()
    try await kube.kubectl("apply", "--server-side", "--filename", Self.crds)
    try await kube.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd/backups.tidemark.dev")
    let there = try await kube.kubectl("get", "backups", "--all-namespaces", "--output=name")
    guard there.isEmpty else {
      throw BenchError("the API server at \(kube.url) has Backups already; give an empty one, or none to have one made")
    }
    let backups = RuntimeBackups(kube: kube, namespace: try await kube.makeNamespace("bench"), count: objects)
    var table = RuntimeTable(objects: objects)
    say("runtime: a controller without Backups")
    table.empty = try await worker(kube, backups.namespace, expecting: 0, [])
    do {
      say("runtime: making \(objects) Backups")
      try await backups.make()
      for workers in [1, 4, 16] {
        say("runtime: kubectl's list")
        table.peers.append(try await list(kube))
        say("runtime: a controller with \(workers) workers")
        // Once is enough for the latency: with 4 workers, as none of them has other work.
        let creates = workers == 4 ? creates : 0
        let report = try await worker(
          kube, backups.namespace, expecting: objects,
          ["--workers", "\(workers)", "--creates", "\(creates)", "--writes", "\(writes)"])
        table.reports.append((workers, report))
      }
    } catch {
      await backups.remove()
      throw error
    }
    show(table.text + "\n")
    await backups.remove()
  }

  /// A process of its own, so that the system counts what a controller uses and nothing else.
  private func worker(
    _ kube: TestKube, _ namespace: String, expecting count: Int, _ arguments: [String]
  ) async throws -> RuntimeReport {
    let outcome = try await RunningProgram.run(
      try builtProgram("tidemark-bench"),
      [
        "runtime-worker", kube.kubeconfig, namespace, "--expect", "\(count)", "--started-at",
        "\(MonotonicNanoseconds.now)",
      ] + arguments, within: .seconds(300))
    return try JSONDecoder().decode(RuntimeReport.self, from: Data(outcome.output.utf8))
  }

  private func list(_ kube: TestKube) async throws -> RuntimePeer {
    let scratch = try ScratchDirectory("figures")
    defer { scratch.remove() }
    let command =
      try ProgramFigures.launch(to: scratch.file("figures")) + kube.kubectlCommand
      + ["get", "backups", "--all-namespaces", "--output=name", "--chunk-size=500"]
    let outcome = try await RunningProgram.run(command[0], Array(command.dropFirst()))
    let figures = try ProgramFigures(file: scratch.file("figures"))
    let count = outcome.output.split(separator: "\n").count
    guard count >= objects else { throw BenchError("kubectl listed \(count) Backups and not \(objects)") }
    return RuntimePeer(
      seconds: figures.seconds, cpuSeconds: figures.cpuSeconds, peakMiB: Double(figures.peakMemory) / 1_048_576)
  }

  static var crds: String {
    "/" + #filePath.split(separator: "/").dropLast(2).joined(separator: "/") + "/crds"
  }
}

/// A clock that all processes of the machine share.
enum MonotonicNanoseconds {
  static var now: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
