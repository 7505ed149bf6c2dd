import NIOCore
import ObjectStore
import Steps
import Testing

@Suite("An uploaded dump lies in the destination, whole or not at all")
struct DumpStagingTests {
  private static let place = DatabasePlace(namespace: "shops", name: "shop")

  private struct Torn: Error {}

  @Test("a dump of many parts is stored under its own key, and removed again, also twice")
  func roundTrip() async throws {
    let store = try await StepStore()
    let staging = DumpStaging(store: store.input, secrets: store.secrets)
    let piece = ByteBuffer(repeating: 0x61, count: 300_000)
    let staged = try await staging.put(Pieces(count: 100, piece: piece), for: Self.place, id: "a1")
    #expect(staged.key == "imports/shops/shop/a1" && staged.bytes == 30_000_000)
    #expect(try await store.dumps() == [staged.key])
    try await staging.remove(staged.key, of: Self.place)
    try await staging.remove(staged.key, of: Self.place)
    #expect(try await store.dumps() == [])
  }

  @Test("too many bytes, none at all, or a client that goes away leave nothing")
  func refused() async throws {
    let store = try await StepStore()
    let staging = DumpStaging(store: store.input, secrets: store.secrets)
    let piece = ByteBuffer(repeating: 0x61, count: 100_000)
    await #expect(throws: StagingError.tooLarge(limit: 20_000_000)) {
      try await staging.put(Pieces(count: 201, piece: piece), for: Self.place, id: "large", limit: 20_000_000)
    }
    await #expect(throws: StagingError.empty) {
      try await staging.put(Pieces(count: 0, piece: piece), for: Self.place, id: "empty")
    }
    await #expect(throws: Torn.self) {
      try await staging.put(Pieces(count: 150, piece: piece, failure: Torn()), for: Self.place, id: "torn")
    }
    #expect(try await store.dumps() == [])
    let exact = try await staging.put(
      Pieces(count: 200, piece: piece), for: Self.place, id: "exact", limit: 20_000_000)
    #expect(exact.bytes == 20_000_000)
  }

  @Test("a dump that is there is not replaced, and an id is no path")
  func ids() async throws {
    let store = try await StepStore()
    let staging = DumpStaging(store: store.input, secrets: store.secrets)
    let one = Pieces(count: 1, piece: ByteBuffer(string: "SELECT 1;"))
    _ = try await staging.put(one, for: Self.place, id: "twice")
    let error = await #expect(throws: ObjectStoreError.self) {
      try await staging.put(one, for: Self.place, id: "twice")
    }
    #expect(error?.code == .alreadyExists)
    for id in ["", "a/b", "../x", "ä", String(repeating: "a", count: 64)] {
      await #expect(throws: StepError.self) { try await staging.put(one, for: Self.place, id: id) }
    }
  }

  @Test(
    "only a key of the database's own staged dumps is removed",
    arguments: [
      "databases/shops/shop/repo/config", "imports/shops/shop/", "imports/shops/shop", "imports/shops/shopping/a1",
      "imports/other/shop/a1", "imports/shops/shop/a/b", "/imports/shops/shop/a1",
    ])
  func strangers(_ key: String) async throws {
    #expect(!DumpStaging.isStaged(key, of: Self.place))
  }
}
