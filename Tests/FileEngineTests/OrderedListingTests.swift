import FileEngine
import ObjectStore
import Testing

@Suite("Listings in the order of keys")
struct OrderedListingTests {
  @Test(
    "a key that does not follow the last one by its bytes is an error", arguments: [["a", "b", "a-"], ["a", "a"]])
  func order(_ keys: [String]) async throws {
    let listing = ObjectListing {
      let pages = Pages(keys)
      return { await pages.next() }
    }
    await #expect(throws: ObjectStoreError.self) { try await Self.read(OrderedListing(listing)) }
    let sorted = ObjectListing {
      let pages = Pages(Set(keys).sorted())
      return { await pages.next() }
    }
    try await Self.read(OrderedListing(sorted))
  }

  private static func read(_ listing: OrderedListing) async throws {
    var listing = listing
    while try await listing.next() != nil {}
  }

  private actor Pages {
    private var keys: [String]

    init(_ keys: [String]) { self.keys = keys.reversed() }

    func next() -> [ObjectInfo]? { keys.popLast().map { [ObjectInfo(key: $0, size: 0)] } }
  }
}
