import ObjectStore
import Steps
import Testing

@Suite("What the keys below a prefix tell")
struct PrefixListingTests {
  private static let id = String(repeating: "ab", count: 32)

  @Test("bytes are those of all objects, snapshots those of the namespace, and other namespaces are named")
  func takes() {
    var listing = PrefixListing(namespace: "demo")
    let keys = [
      "databases/demo/shop/repo/snapshots/\(Self.id)", "databases/demo/shop/repo/snapshots/not-an-id",
      "databases/demo/shop/repo/data/ab/\(Self.id)", "databases/demo/empty/repo/config",
      "databases/demo/log-only/incarnations/i/incarnation.json", "databases/prod/shop/repo/snapshots/\(Self.id)",
      "databases/prod/shop/repo/config", "applications/demo/deployment/web/repo/snapshots/\(Self.id)",
      "buckets/demo/pictures/repo/snapshots/\(Self.id)", "notes.txt", "databases/",
    ]
    for key in keys { listing.take(ObjectInfo(key: key, size: 10)) }
    #expect(listing.bytes == Int64(keys.count) * 10)
    #expect(
      listing.snapshots == [
        "shop": [Self.id], "empty": [], "applications/deployment/web": [Self.id], "buckets/pictures": [Self.id],
      ])
    #expect(listing.otherNamespaces == ["prod"])
  }
}
