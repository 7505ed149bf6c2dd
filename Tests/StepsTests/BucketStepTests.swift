import Foundation
import NIOCore
import ObjectStore
import Steps
import TestSupport
import Testing
import TidemarkAPI

@Suite("The steps bucket-backup and bucket-restore", .serialized)
struct BucketStepTests {
  private static let traits = ObjectTraits(
    headers: ["content-type": "text/html", "cache-control": "max-age=60"], metadata: ["author": "Ada"],
    tags: [.init(name: "team", value: "blue & green"), .init(name: "tier", value: "1")])

  @Test("objects come back with their bytes, type, metadata and tags, into another bucket, the same and a prefix")
  func roundTrip() async throws {
    try await FilesBench.with { bench in
      let source = try await bench.s3.makeBucket("source")
      try await Self.fill(bench, source)
      let product = try await bench.backUp(.bucketBackup, try Self.backup(bench, source, "one"))
      #expect(product.snapshots.first?.files == Int64(Self.objects.count + 2))
      #expect(product.inconsistencies.changed == 0)
      try await bench.restic("check", "--read-data")

      let other = try await bench.s3.makeBucket("other")
      let restored = try await bench.restore(.bucketRestore, try Self.restore(bench, product, to: other))
      #expect(restored.written == Int64(Self.objects.count + 2))
      try await Self.expectEqual(bench, source, other)
      try await bench.withBucket(other) { store in
        let page = try await store.foreignTraits(of: "site/index.html").traits
        #expect(page == Self.traits)
      }
      // Again nothing is written, to where it came from as well.
      for bucket in [other, source] {
        let again = try await bench.restore(.bucketRestore, try Self.restore(bench, product, to: bucket))
        #expect(again.written == 0 && again.unchanged == restored.written)
      }
      let below = try await bench.restore(
        .bucketRestore, try Self.restore(bench, product, to: other, paths: ["site"], prefix: "old/"))
      #expect(below.written == 2)
      let keys = try await Self.keys(bench, other)
      #expect(keys.filter { $0.hasPrefix("old/") } == ["old/site/a%20b.txt", "old/site/index.html"])
    }
  }

  @Test("a second run reads only what changed, and restic restores the tree")
  func incremental() async throws {
    try await FilesBench.with { bench in
      let source = try await bench.s3.makeBucket("source")
      try await Self.fill(bench, source)
      let first = try await bench.backUp(.bucketBackup, try Self.backup(bench, source, "one"))
      try await bench.withBucket(source) { store in
        _ = try await store.putForeign("site/index.html", stream: bytes("<p>new</p>"), traits: ObjectTraits())
        try await store.delete(["a/b.txt"])
      }
      let second = try await bench.backUp(.bucketBackup, try Self.backup(bench, source, "two"))
      #expect(second.snapshots.first?.files == (first.snapshots.first?.files ?? 0) - 1)
      // The new page and the trees above it.
      #expect(second.size.added < 20_000 && second.size.added > 0)
      let again = try await bench.backUp(.bucketBackup, try Self.backup(bench, source, "two"))
      #expect(again.snapshots == second.snapshots)

      let target = bench.scratch.file("restored")
      try await bench.restic("restore", second.snapshots[0].snapshot, "--target", target)
      #expect(try String(contentsOfFile: "\(target)/site/index.html", encoding: .utf8) == "<p>new</p>")
      // Where the directory beside it is gone, the object has its plain name again.
      #expect(try String(contentsOfFile: "\(target)/a", encoding: .utf8) == "beside a directory")
      let before = bench.scratch.file("before")
      try await bench.restic("restore", first.snapshots[0].snapshot, "--target", before)
      #expect(try String(contentsOfFile: "\(before)/a%", encoding: .utf8) == "beside a directory")
      #expect(try String(contentsOfFile: "\(before)/a/b.txt", encoding: .utf8) == "in it")
    }
  }

  @Test("restoring to the same bucket writes what differs, and deletes others only when asked to")
  func inPlace() async throws {
    try await FilesBench.with { bench in
      let source = try await bench.s3.makeBucket("source")
      try await Self.fill(bench, source)
      let product = try await bench.backUp(.bucketBackup, try Self.backup(bench, source, "one"))
      let before = try await Self.contents(bench, source)
      try await bench.withBucket(source) { store in
        _ = try await store.putForeign("site/index.html", stream: bytes("harmed"), traits: ObjectTraits())
        _ = try await store.putForeign("new/object", stream: bytes("new"), traits: ObjectTraits())
        try await store.delete(["a/b.txt", "large"])
      }
      let restored = try await bench.restore(.bucketRestore, try Self.restore(bench, product, to: source))
      #expect(restored.written == 3 && restored.deleted == 0)
      #expect(try await Self.keys(bench, source).contains("new/object"))
      let cleaned = try await bench.restore(
        .bucketRestore, try Self.restore(bench, product, to: source, deletesOthers: true))
      #expect(cleaned.written == 0 && cleaned.deleted == 1)
      #expect(try await Self.contents(bench, source) == before)
    }
  }

  @Test("include and exclude choose keys, and a deletion reaches no further than the backup did")
  func patterns() async throws {
    try await FilesBench.with { bench in
      let source = try await bench.s3.makeBucket("source")
      try await Self.fill(bench, source)
      var input = try Self.backup(bench, source, "one")
      input.bucket.include = ["site/**"]
      input.bucket.exclude = ["*.txt"]
      let product = try await bench.backUp(.bucketBackup, input)
      #expect(product.snapshots.first?.files == 1)
      let count = try await Self.keys(bench, source).count
      let restored = try await bench.restore(
        .bucketRestore, try Self.restore(bench, product, to: source, deletesOthers: true))
      #expect(restored == RestoredFiles(written: 0, writtenBytes: 0, unchanged: 1, deleted: 0))
      #expect(try await Self.keys(bench, source).count == count)
    }
  }

  // MARK: Objects

  /// Small objects, with keys that make trouble as paths.
  private static let objects = [
    "a": "beside a directory", "a/b.txt": "in it", "a-b": "between the two", "site/a%20b.txt": "percent",
    "folder/": "", "x//y": "two slashes", "ünïcode/ключ": "letters",
  ]

  private static func fill(_ bench: FilesBench, _ bucket: String) async throws {
    try await bench.withBucket(bucket) { store in
      for (key, text) in objects {
        _ = try await store.putForeign(key, stream: bytes(text), traits: ObjectTraits())
      }
      _ = try await store.putForeign("site/index.html", stream: bytes("<p>hello</p>"), traits: traits)
      // Large enough to be put in parts.
      let piece = ByteBuffer(repeating: 7, count: 1 << 20)
      _ = try await store.putForeign("large", stream: Pieces(count: 20, piece: piece), traits: traits)
    }
  }

  private static func backup(_ bench: FilesBench, _ source: String, _ uid: String) throws -> BucketBackupInput {
    BucketBackupInput(
      backup: try bench.served(uid), cluster: try bench.cluster, store: try bench.store(),
      repositoryPrefix: bench.place, bucket: BucketInput(store: try bench.store(source)))
  }

  private static func restore(
    _ bench: FilesBench, _ product: FilesProduct, to bucket: String, paths: [String] = [], prefix: String = "",
    deletesOthers: Bool = false
  ) throws -> BucketRestoreInput {
    BucketRestoreInput(
      request: try bench.served("restore"), cluster: try bench.cluster, store: try bench.store(),
      repositoryPrefix: bench.place, snapshot: product.snapshots.first?.snapshot ?? "",
      bucket: BucketInput(store: try bench.store(bucket)), paths: paths, keyPrefix: prefix,
      deletesOthers: deletesOthers)
  }

  private static func keys(_ bench: FilesBench, _ bucket: String) async throws -> [String] {
    try await bench.withBucket(bucket) { store in try await store.list(prefix: "").collected().map(\.key) }
  }

  private static func contents(_ bench: FilesBench, _ bucket: String) async throws -> [String: ByteBuffer] {
    let keys = try await keys(bench, bucket)
    return try await bench.withBucket(bucket) { store in try await contents(of: keys, in: store) }
  }

  private static func contents(of keys: [String], in store: S3Store) async throws -> [String: ByteBuffer] {
    var contents: [String: ByteBuffer] = [:]
    for key in keys { contents[key] = try await store.foreignObject(key).body.collected() }
    return contents
  }

  private static func expectEqual(_ bench: FilesBench, _ left: String, _ right: String) async throws {
    let (one, other) = (try await contents(bench, left), try await contents(bench, right))
    #expect(one == other)
  }
}
