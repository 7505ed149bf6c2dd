import ObjectStore
import TestSupport
import Testing

@Suite struct MultipartTests {
  @Test("parts of one upload travel side by side, as many as configured and no more", arguments: [1, 2, 4])
  func overlap(parallelParts: Int) async throws {
    let server = try await TestServers.s3()
    let proxy = try await FaultProxy.start(to: server.port)
    // Slow enough that a part is under way for long after the next one was cut.
    proxy.inject(.bandwidth(bytesPerSecond: 40 << 20, .toServer))
    var configuration = try await server.configuration(endpoint: "http://127.0.0.1:\(proxy.port)")
    configuration.parallelParts = parallelParts
    try await S3Store.with(configuration, server.credentials) { store in
      let total = 14 * configuration.partSize
      let begun = ContinuousClock.now
      try await store.put("k", stream: Pieces(total: total, piece: 1 << 20), condition: .always)
      let took = ContinuousClock.now - begun
      // A connection carries one request at a time: at least so many were under way at once, and at most so many, or
      // it would not have taken so long.
      #expect(proxy.connectionCount >= parallelParts)
      #expect(took > .seconds(Double(total) / Double(40 << 20) / Double(parallelParts)) * 0.8)
      #expect(try await store.head("k").size == Int64(total))
    }
    try await proxy.stop()
  }
}
