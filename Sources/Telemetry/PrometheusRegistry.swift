public import CoreMetrics
import Synchronization

/// Holds all metrics of this process and writes them in Prometheus' text format.
///
/// It is the factory behind swift-metrics: the modules below know only that. A recorder that aggregates, and a timer,
/// become histograms; a timer's values are seconds.
/// Source of the format: Prometheus' "Exposition formats", text format 0.0.4.
public final class PrometheusRegistry: MetricsFactory {
  private struct Series: Hashable {
    var name: String
    var labels: String
  }

  private let metrics = Mutex<[Series: any PrometheusMetric]>([:])

  /// A registry without metrics.
  public init() {}

  /// All metrics, by name and labels, with these values beside them.
  public func exposition(_ samples: [GaugeSample] = []) -> String {
    var all = metrics.withLock { $0 }
    for sample in samples {
      let gauge = PrometheusGauge()
      gauge.set(sample.value)
      let labels = PrometheusText.labels(sample.labels.map { ($0.key, $0.value) })
      all[Series(name: PrometheusText.name(sample.name), labels: labels)] = gauge
    }
    let sorted = all.sorted { ($0.key.name, $0.key.labels) < ($1.key.name, $1.key.labels) }
    var text = ""
    var name: String?
    for (series, metric) in sorted {
      if series.name != name {
        text += "# TYPE \(series.name) \(metric.type)\n"
        name = series.name
      }
      metric.write(name: series.name, labels: series.labels, to: &text)
    }
    return text
  }

  private func metric<Metric: PrometheusMetric>(
    _ label: String, _ dimensions: [(String, String)], _ make: () -> Metric
  ) -> Metric {
    let series = Series(name: PrometheusText.name(label), labels: PrometheusText.labels(dimensions))
    return metrics.withLock { metrics in
      if let found = metrics[series] as? Metric { return found }
      let made = make()
      metrics[series] = made
      return made
    }
  }

  public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    metric(label, dimensions) { PrometheusCounter() }
  }

  public func makeFloatingPointCounter(
    label: String, dimensions: [(String, String)]
  ) -> any FloatingPointCounterHandler {
    metric(label, dimensions) { PrometheusCounter() }
  }

  public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    metric(label, dimensions) { PrometheusGauge() }
  }

  public func makeRecorder(
    label: String, dimensions: [(String, String)], aggregate: Bool
  ) -> any RecorderHandler {
    aggregate
      ? metric(label, dimensions) { PrometheusHistogram(unitsPerValue: 1) }
      : metric(label, dimensions) { PrometheusGauge() }
  }

  public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    metric(label, dimensions) { PrometheusHistogram(unitsPerValue: 1_000_000_000) }
  }

  // A metric lives as long as the process: a series that vanishes and comes back reads as a reset.
  public func destroyCounter(_ handler: any CounterHandler) {}
  public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
  public func destroyMeter(_ handler: any MeterHandler) {}
  public func destroyRecorder(_ handler: any RecorderHandler) {}
  public func destroyTimer(_ handler: any TimerHandler) {}
}
