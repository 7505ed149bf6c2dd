import ArgumentParser
import Dispatch
import Foundation
import KubeClient
import KubeModel
import KubeRuntime
import Logging

/// Contends for a lease, and writes down at which moments it takes itself for the leader.
///
/// Standard output has a line `hold NANOSECONDS` every few milliseconds while it leads, by the machine's monotonic
/// clock, which all processes share: two processes that ever led at once have lines that interleave. SIGTERM is not
/// handled: it is ended by SIGKILL, or ends by itself after `--hold-for`.
struct LeaseHolder: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Contends for a lease and logs when it holds it.")

  @Option(help: "The kubeconfig.") var kubeconfig: String
  @Option(help: "The lease's namespace.") var namespace: String
  @Option(help: "The lease's name.") var lease: String
  @Option(help: "Who this process is.") var identity: String
  @Option(help: "Milliseconds that a lease lasts.") var leaseMilliseconds = 15_000
  @Option(help: "Milliseconds after which a leader that cannot renew stops.") var renewMilliseconds = 10_000
  @Option(help: "Milliseconds between two tries.") var retryMilliseconds = 2_000
  @Option(help: "Milliseconds after which a leader lets go by itself; 0: never.") var holdFor = 0

  func run() async throws {
    var logger = Logger(label: "lease-holder") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = .debug
    let client = try KubeClient(configuration: .load(kubeconfig: kubeconfig), logger: logger)
    let timing = LeaderElectionTiming(
      leaseDuration: .milliseconds(leaseMilliseconds), renewDeadline: .milliseconds(renewMilliseconds),
      retryPeriod: .milliseconds(retryMilliseconds))
    let elector = LeaderElector(
      client: client,
      configuration: .init(
        lease: ObjectKey(namespace: namespace, name: lease), identity: identity, timing: timing), logger: logger)
    Self.tell("started")
    do {
      try await elector.run { try await hold(elector) }
      Self.tell("released")
    } catch let error as LeaderElectionError {
      Self.tell("lost \(error.code)")
    }
    await client.shutdown()
  }

  private func hold(_ elector: LeaderElector) async throws {
    let end = ContinuousClock.now + .milliseconds(holdFor)
    while holdFor == 0 || ContinuousClock.now < end {
      // Read the clock first: what is written is then no later than the moment of which it is true.
      let now = Self.nanoseconds
      if elector.isLeading { Self.tell("hold \(now)") }
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  /// A line at once: standard output that is a pipe would keep it back.
  private static func tell(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

  private static var nanoseconds: Int64 { Int64(DispatchTime.now().uptimeNanoseconds) }
}
