import ArgumentParser
import Foundation
import KubeClient
import KubeModel
import KubeRuntime
import Logging
import Repository
import TestSupport
import TidemarkAPI

/// A controller of Backups in a process of its own, which measures itself and prints a `RuntimeReport` as JSON.
struct RuntimeWorker: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runtime-worker", abstract: "Runs one controller; the benchmark runs it.", shouldDisplay: false)

  @Argument var kubeconfig: String
  @Argument var namespace: String
  @Option var expect: Int
  /// By `MonotonicNanoseconds`, before this process began.
  @Option var startedAt: Int64
  @Option var workers = 2
  @Option var creates = 0
  @Option var writes = 0

  func run() async throws {
    ProcessMemory.boundHeaps()
    let logger = Self.logger("runtime")
    let client = try KubeClient(configuration: try .load(kubeconfig: kubeconfig), logger: logger)
    let runtime = Runtime(client: client, logger: logger)
    let store = runtime.store(of: Backup.self)
    let reconciler = RuntimeReconciler(store: store, client: client)
    let controller = Controller(
      name: "backup", configuration: ControllerConfiguration(workers: workers), reconciler: reconciler, logger: logger)
    controller.watch(store)
    runtime.add(controller)
    let report = try await withThrowingTaskGroup(of: RuntimeReport?.self) { group in
      group.addTask {
        try await runtime.run()
        return nil
      }
      group.addTask { try await measure(store, controller, reconciler) }
      defer { group.cancelAll() }
      guard let report = try await group.next() ?? nil else { throw BenchError("the runtime ended by itself") }
      return report
    }
    await client.shutdown()
    print(String(decoding: try JSONEncoder().encode(report), as: UTF8.self))
  }

  private func measure(
    _ store: Store<Backup>, _ controller: Controller, _ reconciler: RuntimeReconciler
  ) async throws -> RuntimeReport {
    var report = RuntimeReport()
    try await store.waitForSync()
    report.syncSeconds = Double(MonotonicNanoseconds.now - startedAt) / 1e9
    report.syncCPUSeconds = Self.cpuSeconds
    guard store.count >= expect else { throw BenchError("\(store.count) Backups came and not \(expect)") }
    try await reconciler.finish(store.count)
    // What the first reconciles and the last page left behind has gone back to the system by then.
    try await Task.sleep(for: .seconds(2))
    report.peakMiB = try Self.memory("VmHWM")
    report.settledMiB = try Self.memory("VmRSS")
    guard expect > 0 else { return report }
    let keys = store.snapshot.keys.sorted()
    if creates > 0 { report.latencies = try await latencies(reconciler) }
    report.emptyPerSecond = try await emptyRate(keys, controller, reconciler)
    report.writingPerSecond = try await reconciler.rate(of: .statusWrite, over: Array(keys.prefix(writes)), controller)
    return report
  }

  /// Every key, again and again, so that the time can be told.
  private func emptyRate(
    _ keys: [ObjectKey], _ controller: Controller, _ reconciler: RuntimeReconciler
  ) async throws -> Double {
    var rates: [Double] = []
    for _ in 0..<max(9, 90_000 / keys.count) {
      rates.append(try await reconciler.rate(of: .nothing, over: keys, controller))
    }
    return quantile(0.5, of: rates)
  }

  private func latencies(_ reconciler: RuntimeReconciler) async throws -> [RuntimeLatency] {
    // Not through the controller's connections, as a user's create is not.
    let client = try KubeClient(configuration: try .load(kubeconfig: kubeconfig), logger: Self.logger("creates"))
    var latencies: [RuntimeLatency] = []
    for number in 0..<creates {
      let backup = RuntimeBackups.backup(named: "latency-\(number)", in: namespace)
      let called = MonotonicNanoseconds.now
      let created = try await client.create(backup)
      let returned = MonotonicNanoseconds.now
      let seen = try await eventually(within: .seconds(30), every: .milliseconds(2), "\(created.key) is reconciled") {
        reconciler.firstSeen(created.key)
      }
      latencies.append(
        RuntimeLatency(
          sinceCall: Double(seen - called) / 1e6, sinceReturn: Double(max(0, seen - returned)) / 1e6))
    }
    await client.shutdown()
    return latencies
  }

  /// To standard error, for standard output is the report's.
  private static func logger(_ label: String) -> Logger {
    var logger = Logger(label: label) { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = .warning
    return logger
  }

  /// A line of `/proc/self/status`, in MiB. The peak there is this process's own; that of `getrusage` may be of the
  /// process that started it.
  private static func memory(_ name: String) throws -> Double {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    for line in status.split(separator: "\n") where line.hasPrefix(name + ":") {
      if let kibibytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Double($0) }) {
        return kibibytes / 1024
      }
    }
    throw BenchError("/proc/self/status has no \(name)")
  }

  private static var cpuSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
