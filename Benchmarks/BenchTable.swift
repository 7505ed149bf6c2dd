/// The table that a benchmark prints.
struct BenchTable {
  private var rows: [(name: String, measurements: [BenchProgram: [BenchMeasurement]])] = []

  mutating func add(_ measurement: BenchMeasurement, _ name: String, _ program: BenchProgram) {
    if let index = rows.firstIndex(where: { $0.name == name }) {
      rows[index].measurements[program, default: []].append(measurement)
    } else {
      rows.append((name, [program: [measurement]]))
    }
  }

  /// Markdown, with medians, and the ratio of Tidemark to restic in brackets.
  var text: String {
    var lines = [
      "| work | restic: s | CPU s | MiB | stored MB | tidemark: s | CPU s | MiB | stored MB |",
      "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows {
      let peer = median(row.measurements[.restic] ?? [])
      let ours = median(row.measurements[.tidemark] ?? [])
      lines.append(
        "| \(row.name) | \(number(peer.seconds)) | \(number(peer.cpuSeconds)) | \(number(peer.peakMiB)) | "
          + "\(number(Double(peer.stored) / 1e6)) | \(number(ours.seconds))\(ratio(ours.seconds, peer.seconds)) | "
          + "\(number(ours.cpuSeconds))\(ratio(ours.cpuSeconds, peer.cpuSeconds)) | "
          + "\(number(ours.peakMiB))\(ratio(ours.peakMiB, peer.peakMiB)) | \(number(Double(ours.stored) / 1e6)) |")
    }
    return lines.joined(separator: "\n")
  }

  private func median(_ measurements: [BenchMeasurement]) -> BenchMeasurement {
    func middle<Value: Comparable>(_ value: (BenchMeasurement) -> Value, or none: Value) -> Value {
      let sorted = measurements.map(value).sorted()
      return sorted.isEmpty ? none : sorted[sorted.count / 2]
    }
    return BenchMeasurement(
      seconds: middle(\.seconds, or: 0), cpuSeconds: middle(\.cpuSeconds, or: 0), peakMiB: middle(\.peakMiB, or: 0),
      stored: middle(\.stored, or: 0))
  }
}
