import Foundation
import Logging
import Steps
import TestSupport
import Testing
import TidemarkAPI

@Suite("Two data directories change places")
struct DataExchangeTests {
  private struct Pair {
    let host: LocalInstanceHost
    let live = InstanceID(namespace: "demo", name: "live")
    let aside = InstanceID(namespace: "demo", name: "aside")
    let places: [InstancePlace]

    init(_ scratch: ScratchDirectory) async throws {
      host = LocalInstanceHost(
        stateDirectory: scratch.path, program: "/bin/true",
        tools: try PostgresTools(binDirectory: nil, user: "postgres"),
        logger: Logger(label: "test"))
      var places: [InstancePlace] = []
      for (id, text) in [(live, "old"), (aside, "new")] {
        let place = try await host.reserve(id, InstanceWish(database: "shop"))
        try FileManager.default.createDirectory(atPath: place.dataDirectory, withIntermediateDirectories: true)
        try text.write(toFile: "\(place.dataDirectory)/PG_VERSION", atomically: true, encoding: .utf8)
        places.append(place)
      }
      self.places = places
    }

    func switchTo(_ incoming: String, from outgoing: String) async throws {
      try await host.exchange(live, aside, incoming: incoming, outgoing: outgoing)
    }

    var served: String { get throws { try text(0) } }
    var kept: String { get throws { try text(1) } }

    private func text(_ index: Int) throws -> String {
      try String(contentsOfFile: "\(places[index].dataDirectory)/PG_VERSION", encoding: .utf8)
    }
  }

  @Test("an exchange asked for again, as after a crash, is done once; asked for the other way, it is undone")
  func onceAndBack() async throws {
    try await ScratchDirectory.with { scratch in
      let pair = try await Pair(scratch)
      for _ in 1...3 {
        try await pair.switchTo("restored", from: "first")
        #expect(try pair.served == "new" && pair.kept == "old")
      }
      for _ in 1...3 {
        try await pair.switchTo("first", from: "restored")
        #expect(try pair.served == "old" && pair.kept == "new")
      }
    }
  }

  @Test("a data directory that somebody has replaced is not exchanged")
  func strangers() async throws {
    try await ScratchDirectory.with { scratch in
      let pair = try await Pair(scratch)
      try await pair.switchTo("restored", from: "first")
      try await pair.switchTo("first", from: "restored")
      let data = pair.places[1].dataDirectory
      try FileManager.default.moveItem(atPath: data, toPath: data + ".away")
      try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
      await #expect(throws: StepError.self) { try await pair.switchTo("restored", from: "first") }
      #expect(try pair.served == "old")
    }
  }

  @Test("the instances of a Database are found again, and no other's")
  func found() async throws {
    try await ScratchDirectory.with { scratch in
      let pair = try await Pair(scratch)
      _ = try await pair.host.reserve(InstanceID(namespace: "demo", name: "other"), InstanceWish(database: "store"))
      #expect(try await pair.host.instances(of: "shop", in: "demo").map(\.name) == ["aside", "live"])
      #expect(try await pair.host.instances(of: "shop", in: "elsewhere").isEmpty)
    }
  }
}
