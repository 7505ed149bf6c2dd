import CoreMetrics
import Synchronization

/// One series.
protocol PrometheusMetric: Sendable {
  /// The word behind `# TYPE`.
  var type: String { get }
  /// Adds its lines.
  func write(name: String, labels: String, to text: inout String)
}

/// A number that only grows.
final class PrometheusCounter: PrometheusMetric, CounterHandler, FloatingPointCounterHandler {
  let type = "counter"
  private let value = Mutex(0.0)

  func increment(by amount: Int64) { value.withLock { $0 += Double(amount) } }
  func increment(by amount: Double) { value.withLock { $0 += amount } }
  func reset() { value.withLock { $0 = 0 } }

  func write(name: String, labels: String, to text: inout String) {
    text += "\(name)\(PrometheusText.braced(labels)) \(PrometheusText.number(value.withLock { $0 }))\n"
  }
}

/// A number that goes up and down.
final class PrometheusGauge: PrometheusMetric, MeterHandler, RecorderHandler {
  let type = "gauge"
  private let value = Mutex(0.0)

  func set(_ new: Int64) { value.withLock { $0 = Double(new) } }
  func set(_ new: Double) { value.withLock { $0 = new } }
  func increment(by amount: Double) { value.withLock { $0 += amount } }
  func decrement(by amount: Double) { value.withLock { $0 -= amount } }
  func record(_ new: Int64) { set(new) }
  func record(_ new: Double) { set(new) }

  func write(name: String, labels: String, to text: inout String) {
    text += "\(name)\(PrometheusText.braced(labels)) \(PrometheusText.number(value.withLock { $0 }))\n"
  }
}

/// How values are distributed, in buckets that fit times from 5 ms to 17 min.
final class PrometheusHistogram: PrometheusMetric, RecorderHandler, TimerHandler {
  private struct State {
    var counts = [UInt64](repeating: 0, count: PrometheusHistogram.bounds.count + 1)
    var sum = 0.0
  }

  /// controller-runtime's bounds for reconcile times, thinned out, and longer ones for steps.
  static let bounds: [Double] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1000]

  let type = "histogram"
  private let unitsPerValue: Double
  private let state = Mutex(State())

  /// A histogram of what is recorded divided by `unitsPerValue`: a timer gets nanoseconds and shows seconds.
  init(unitsPerValue: Double) { self.unitsPerValue = unitsPerValue }

  func record(_ new: Int64) { observe(Double(new)) }
  func record(_ new: Double) { observe(new) }
  func recordNanoseconds(_ duration: Int64) { observe(Double(duration)) }

  private func observe(_ raw: Double) {
    let value = raw / unitsPerValue
    let index = Self.bounds.firstIndex { value <= $0 } ?? Self.bounds.count
    state.withLock { state in
      state.counts[index] += 1
      state.sum += value
    }
  }

  func write(name: String, labels: String, to text: inout String) {
    let state = state.withLock { $0 }
    var total: UInt64 = 0
    let separator = labels.isEmpty ? "" : ","
    for (index, count) in state.counts.enumerated() {
      total += count
      let bound = index < Self.bounds.count ? PrometheusText.number(Self.bounds[index]) : "+Inf"
      text += "\(name)_bucket{\(labels)\(separator)le=\"\(bound)\"} \(total)\n"
    }
    text += "\(name)_sum\(PrometheusText.braced(labels)) \(PrometheusText.number(state.sum))\n"
    text += "\(name)_count\(PrometheusText.braced(labels)) \(total)\n"
  }
}

/// The lexical rules of the text format.
enum PrometheusText {
  /// A metric's or label's name: letters, digits, underscores and colons.
  static func name(_ text: String) -> String {
    let name = String(
      text.map { character in
        character.isASCII && (character.isLetter || character.isNumber) || character == "_" || character == ":"
          ? character : "_"
      })
    return name.first?.isNumber == true ? "_" + name : name
  }

  /// `a="1",b="2"`, sorted by name.
  static func labels(_ dimensions: [(String, String)]) -> String {
    dimensions.map { (name($0.0), escaped($0.1)) }.sorted { $0.0 < $1.0 }
      .map { "\($0.0)=\"\($0.1)\"" }.joined(separator: ",")
  }

  static func braced(_ labels: String) -> String { labels.isEmpty ? "" : "{\(labels)}" }

  static func number(_ value: Double) -> String {
    if let whole = Int64(exactly: value) { return String(whole) }
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
    return String(value)
  }

  private static func escaped(_ value: String) -> String {
    value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
  }
}
