import Foundation
import NIOCore
import ObjectStore
import TestSupport
import Testing

@Suite struct MemoryTests {
  /// Resident bytes of this process.
  private func resident() throws -> Int {
    let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
    return (Int(fields[1]) ?? 0) * 4_096
  }

  @Test("a stream of 300 MiB is put and got in bounded memory", arguments: StoreKind.allCases)
  func bounded(_ kind: StoreKind) async throws {
    try await kind.with { store in
      let total = 300 << 20
      try await store.put("warm", stream: Pieces(total: 12 << 20), condition: .always)
      let before = try resident()
      let watch = Task {
        var peak = 0
        while !Task.isCancelled {
          peak = max(peak, try resident())
          try? await Task.sleep(for: .milliseconds(10))
        }
        return peak
      }
      try await store.put("big", stream: Pieces(total: total, piece: 1 << 20), condition: .always)
      var received = 0
      for try await piece in try await store.stream("big") { received += piece.readableBytes }
      #expect(received == total)
      watch.cancel()
      // Five parts of 5 MiB in flight, their copies in the sockets, and what the allocator keeps.
      #expect(try await watch.value - before < 100 << 20)
    }
  }
}
