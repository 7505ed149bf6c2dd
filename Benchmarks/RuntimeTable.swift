/// What a controller found out about itself.
struct RuntimeReport: Codable {
  /// From before the process began until its stores had synced.
  var syncSeconds = 0.0
  /// Of all threads, until then.
  var syncCPUSeconds = 0.0
  /// The largest resident set until every object was reconciled once, and what was resident two seconds later.
  var peakMiB = 0.0
  var settledMiB = 0.0
  var latencies: [RuntimeLatency] = []
  var emptyPerSecond = 0.0
  var writingPerSecond = 0.0
}

/// How long a created object was on its way to the reconciler, in milliseconds.
struct RuntimeLatency: Codable {
  var sinceCall: Double
  /// 0 where the reconciler was faster than the answer to the create.
  var sinceReturn: Double
}

/// What kubectl used to list the same objects.
struct RuntimePeer {
  var seconds: Double
  var cpuSeconds: Double
  var peakMiB: Double
}

/// The tables that the runtime's benchmark prints.
struct RuntimeTable {
  let objects: Int
  var empty = RuntimeReport()
  var peers: [RuntimePeer] = []
  var reports: [(workers: Int, report: RuntimeReport)] = []

  init(objects: Int) { self.objects = objects }

  /// Markdown, with medians, and the ratio of Tidemark to kubectl in brackets.
  var text: String {
    (["## Runtime: \(objects) Backups, medians of \(reports.count) runs", ""] + sync + [""] + rates)
      .joined(separator: "\n")
  }

  private var sync: [String] {
    let ours = (reports.map(\.report.syncSeconds), reports.map(\.report.syncCPUSeconds), reports.map(\.report.peakMiB))
    let latencies = reports.flatMap(\.report.latencies)
    return [
      "| work | kubectl get: s | CPU s | MiB | tidemark: s | CPU s | peak MiB | settled MiB |",
      "|---|---|---|---|---|---|---|---|",
      "| cold sync of 0 Backups | | | | \(number(empty.syncSeconds)) | \(number(empty.syncCPUSeconds)) | "
        + "\(number(empty.peakMiB)) | \(number(empty.settledMiB)) |",
      "| cold sync of \(objects) Backups | \(number(middle(peers.map(\.seconds)))) | "
        + "\(number(middle(peers.map(\.cpuSeconds)))) | \(number(middle(peers.map(\.peakMiB)))) | "
        + "\(beside(ours.0, peers.map(\.seconds))) | \(beside(ours.1, peers.map(\.cpuSeconds))) | "
        + "\(beside(ours.2, peers.map(\.peakMiB))) | \(number(middle(reports.map(\.report.settledMiB)))) |",
      "",
      "| create to reconcile, \(latencies.count) creates | p50 ms | p99 ms |",
      "|---|---|---|",
      row("from the create's call", latencies.map(\.sinceCall)),
      row("from its return (0.0: before it)", latencies.map(\.sinceReturn)),
    ]
  }

  private var rates: [String] {
    func cells(_ value: (RuntimeReport) -> Double) -> String {
      reports.map { number(value($0.report)) }.joined(separator: " | ")
    }
    return [
      "| reconciles per second | "
        + reports.map { "\($0.workers) worker\($0.workers == 1 ? "" : "s")" }
        .joined(separator: " | ") + " |",
      "|---|" + reports.map { _ in "---|" }.joined(),
      "| that do nothing | \(cells(\.emptyPerSecond)) |",
      "| that apply a status | \(cells(\.writingPerSecond)) |",
    ]
  }

  private func row(_ name: String, _ values: [Double]) -> String {
    "| \(name) | \(number(quantile(0.5, of: values))) | \(number(quantile(0.99, of: values))) |"
  }

  private func middle(_ values: [Double]) -> Double { quantile(0.5, of: values) }

  private func beside(_ ours: [Double], _ peers: [Double]) -> String {
    number(middle(ours)) + ratio(middle(ours), middle(peers))
  }
}
