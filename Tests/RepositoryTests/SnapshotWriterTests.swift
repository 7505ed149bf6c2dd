import Foundation
import NIOCore
import ObjectStore
import Repository
import Testing

@Suite("Snapshots from streams")
struct SnapshotWriterTests {
  private let attributes = NodeAttributes(
    mode: 0o600, modified: UnixTime(seconds: 1_700_000_000), userID: 5, groupID: 6)

  @Test("files written side by side, directories in any order and links become a snapshot that restic restores")
  func anyOrder() async throws {
    let scratch = try ScratchRepository()
    let repository = try await scratch.create()
    let writer = try await SnapshotWriter(repository: repository)
    let relation = try writer.file("base/1/1259", attributes, cutting: .fixed(bytes: 512 << 10))
    let control = try writer.file("global/pg_control", attributes)
    let pages = noise(3 << 20, seed: 1)
    var rest = pages
    while let part = rest.readSlice(length: min(100_000, rest.readableBytes)), part.readableBytes > 0 {
      try await relation.write(part)
    }
    try await control.write(ByteBuffer(string: "file"))
    #expect(try await relation.finish() == 3 << 20)
    #expect(try await control.finish() == 4)
    try await writer.file("base/1/empty", attributes).finish()
    try writer.symlink("pg_tblspc/16384", target: "/tablespace", attributes)
    try writer.directory("base", NodeAttributes(mode: 0o700, modified: UnixTime(seconds: 1_600_000_000)))
    let snapshot = try await writer.commit(SnapshotDescription(paths: ["/postgresql"], tags: ["incarnation=a"]))
    #expect(snapshot.tags == ["incarnation=a"])

    try await scratch.restic("check", "--read-data")
    try await scratch.restic("restore", "latest", "--target", scratch.path + "/restored")
    #expect(
      FileManager.default.contents(atPath: scratch.path + "/restored/base/1/1259") == Data(pages.readableBytesView))
    #expect(FileManager.default.contents(atPath: scratch.path + "/restored/global/pg_control") == Data("file".utf8))
    let listing = try await OddTree.shell(#"cd "$1/restored" && stat -c '%a %Y %N' base pg_tblspc/16384"#, scratch.path)
    #expect(listing.contains("700 1600000000 'base'"))
    #expect(listing.contains("'/tablespace'"))
    let content = try await SnapshotReader(snapshot, in: repository).file(at: "base/1/1259")
    var read = ByteBuffer()
    for try await piece in content { read.writeImmutableBuffer(piece) }
    #expect(read == pages)
  }

  @Test("pages that did not change are not stored again, when a file is cut in fixed pieces")
  func fixedPieces() async throws {
    let scratch = try ScratchRepository()
    let repository = try await scratch.create()
    var pages = noise(8 << 20, seed: 2)
    for round in 0..<2 {
      let writer = try await SnapshotWriter(repository: repository)
      let file = try writer.file("relation", attributes, cutting: .fixed(bytes: 64 << 10))
      try await file.write(pages)
      try await file.finish()
      _ = try await writer.commit(SnapshotDescription(paths: ["/"]))
      #expect(writer.statistics.dataBlobs == (round == 0 ? 128 : 1))
      pages.setInteger(0 as UInt64, at: 5 << 20)
    }
  }

  @Test("a path that comes twice, leads upwards, or lies below a file is refused, and so is an unfinished file")
  func refusals() async throws {
    let scratch = try ScratchRepository()
    let writer = try await SnapshotWriter(repository: try await scratch.create())
    try writer.symlink("a", target: "b", attributes)
    await expect(.invalidRequest) { try writer.symlink("a", target: "c", attributes) }
    await expect(.invalidRequest) { try writer.symlink("a/b", target: "c", attributes) }
    await expect(.invalidRequest) { try writer.symlink("../b", target: "c", attributes) }
    await expect(.invalidRequest) { try writer.hardLink("x", to: "nowhere") }
    _ = try writer.file("open", attributes)
    let error = await expect(.invalidRequest) { try await writer.commit(SnapshotDescription(paths: ["/"])) }
    #expect(error?.message.contains("'open'") == true)
    await writer.cancel()
  }
}
