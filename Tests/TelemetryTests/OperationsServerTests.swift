import CoreMetrics
import Logging
import Synchronization
import Telemetry
import TestSupport
import Testing

@Suite("The operations server")
struct OperationsServerTests {
  private final class Missing: Sendable {
    let kinds = Mutex(["Backup", "Database"])
  }

  @Test("it answers /healthz, /metrics, and /readyz with what is not synced yet")
  func answers() async throws {
    let registry = PrometheusRegistry()
    registry.makeCounter(label: "tidemark_test_total", dimensions: []).increment(by: 3)
    let missing = Missing()
    let (ports, listening) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .bufferingOldest(1))
    let server = OperationsServer(
      host: "127.0.0.1", port: 0, registry: registry, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      notReady: { missing.kinds.withLock { $0 } }, onListening: { listening.yield($0) })
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await server.run() }
      var iterator = ports.makeAsyncIterator()
      let port = try #require(await iterator.next())
      #expect(try await get(port, "/healthz") == "ok\n 200")
      #expect(try await get(port, "/readyz") == "not synced: Backup, Database\n 503")
      missing.kinds.withLock { $0 = [] }
      #expect(try await get(port, "/readyz") == "ok\n 200")
      #expect(try await get(port, "/metrics") == "# TYPE tidemark_test_total counter\ntidemark_test_total 3\n 200")
      group.cancelAll()
    }
  }

  /// The body, and behind it the status.
  private func get(_ port: Int, _ path: String) async throws -> String {
    try await RunningProgram.run(
      "curl", ["-s", "-m", "10", "-w", " %{http_code}", "http://127.0.0.1:\(port)\(path)"]
    ).output
  }
}
