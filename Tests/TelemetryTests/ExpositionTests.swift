import CoreMetrics
import Telemetry
import Testing

@Suite("Metrics in Prometheus' text format")
struct ExpositionTests {
  @Test("counters and gauges are written with their type, sorted by name and labels")
  func countersAndGauges() {
    let registry = PrometheusRegistry()
    registry.makeCounter(label: "tidemark_steps_total", dimensions: [("step", "forget")]).increment(by: 2)
    registry.makeCounter(label: "tidemark_steps_total", dimensions: [("step", "base-backup")]).increment(by: 1)
    registry.makeMeter(label: "tidemark_lag_bytes", dimensions: []).set(1.5)
    #expect(
      registry.exposition() == """
        # TYPE tidemark_lag_bytes gauge
        tidemark_lag_bytes 1.5
        # TYPE tidemark_steps_total counter
        tidemark_steps_total{step="base-backup"} 1
        tidemark_steps_total{step="forget"} 2

        """)
  }

  @Test("what is read at a scrape stands among the rest, and is gone when it is not read any more")
  func samples() {
    let registry = PrometheusRegistry()
    registry.makeMeter(label: "b", dimensions: []).set(1.0)
    let samples = [
      GaugeSample(name: "c", labels: ["z": "1", "a": "x\""], value: 2.5), GaugeSample(name: "a", labels: [:], value: 3),
    ]
    #expect(
      registry.exposition(samples)
        == "# TYPE a gauge\na 3\n# TYPE b gauge\nb 1\n# TYPE c gauge\nc{a=\"x\\\"\",z=\"1\"} 2.5\n")
    #expect(registry.exposition() == "# TYPE b gauge\nb 1\n")
  }

  @Test("the same name and labels are the same series, in whatever order the labels come")
  func sameSeries() {
    let registry = PrometheusRegistry()
    registry.makeCounter(label: "c", dimensions: [("a", "1"), ("b", "2")]).increment(by: 1)
    registry.makeCounter(label: "c", dimensions: [("b", "2"), ("a", "1")]).increment(by: 1)
    #expect(registry.exposition() == "# TYPE c counter\nc{a=\"1\",b=\"2\"} 2\n")
  }

  @Test("a timer is a histogram in seconds whose buckets add up")
  func histogram() {
    let registry = PrometheusRegistry()
    let timer = registry.makeTimer(label: "reconcile_seconds", dimensions: [("controller", "backup")])
    timer.recordNanoseconds(20_000_000)
    timer.recordNanoseconds(2_000_000_000)
    timer.recordNanoseconds(5_000_000_000_000)
    let lines = registry.exposition().split(separator: "\n").map(String.init)
    #expect(lines.first == "# TYPE reconcile_seconds histogram")
    #expect(lines.contains(#"reconcile_seconds_bucket{controller="backup",le="0.01"} 0"#))
    #expect(lines.contains(#"reconcile_seconds_bucket{controller="backup",le="0.025"} 1"#))
    #expect(lines.contains(#"reconcile_seconds_bucket{controller="backup",le="2.5"} 2"#))
    #expect(lines.contains(#"reconcile_seconds_bucket{controller="backup",le="1000"} 2"#))
    #expect(lines.contains(#"reconcile_seconds_bucket{controller="backup",le="+Inf"} 3"#))
    #expect(lines.contains(#"reconcile_seconds_sum{controller="backup"} 5002.02"#))
    #expect(lines.contains(#"reconcile_seconds_count{controller="backup"} 3"#))
  }

  @Test("quotes, backslashes and line feeds in labels are escaped, and names get no odd characters")
  func escaping() {
    let registry = PrometheusRegistry()
    registry.makeMeter(label: "9 bad-name.é", dimensions: [("la-bel", "a\"b\\c\nd")]).set(Int64(1))
    #expect(registry.exposition() == "# TYPE _9_bad_name__ gauge\n_9_bad_name__{la_bel=\"a\\\"b\\\\c\\nd\"} 1\n")
  }

  @Test("numbers that are none are written as Prometheus reads them")
  func oddNumbers() {
    for (value, text) in [(Double.infinity, "+Inf"), (-Double.infinity, "-Inf"), (Double.nan, "NaN")] {
      let registry = PrometheusRegistry()
      registry.makeMeter(label: "m", dimensions: []).set(value)
      #expect(registry.exposition() == "# TYPE m gauge\nm \(text)\n")
    }
  }
}
