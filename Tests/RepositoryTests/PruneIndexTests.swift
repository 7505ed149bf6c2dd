import Repository
import Testing

@Suite struct PruneIndexTests {
  private func blob(_ number: UInt64, _ type: BlobType = .data, at offset: UInt32 = 0) -> PackedBlob {
    PackedBlob(id: id(number), type: type, offset: offset, length: 1000, uncompressedLength: 2000)
  }

  private func id(_ number: UInt64) -> BlobID { BlobID(SHA256Digest(number, 1, 2, 3)) }

  private func pack(_ number: UInt64, _ blobs: [PackedBlob]) -> PackContents {
    PackContents(id: PackID(SHA256Digest(number, 9, 9, 9)), blobs: blobs)
  }

  /// Used and unused blobs of each pack.
  private func counts(_ index: PruneIndex) -> [[Int]] { index.uses().map { [$0.usedBlobs, $0.unusedBlobs] } }

  @Test("a blob that no snapshot needs is unused; one of the same name and another type is another blob")
  func types() throws {
    let index = PruneIndex()
    _ = index.insert([pack(1, [blob(1), blob(2)]), pack(2, [blob(1, .tree), blob(3, .tree)])])
    #expect(try index.need(.data, [id(1)]) == [id(1)])
    #expect(try index.need(.data, [id(1)]) == [])
    #expect(throws: RepositoryError.self) { try index.need(.data, [id(3)]) }
    #expect(counts(index) == [[1, 1], [0, 2]])
    #expect(try index.need(.tree, [id(3)]) == [id(3)])
    #expect(counts(index) == [[1, 1], [1, 1]])
  }

  @Test(
    "of a duplicate one place counts: in a pack that is used anyway, in one that has nothing but duplicates, or the last"
  )
  func duplicates() throws {
    // Pack 2 is used for another blob; the duplicate counts there, whichever pack comes first.
    var index = PruneIndex()
    _ = index.insert([pack(1, [blob(1), blob(9)]), pack(2, [blob(1), blob(2)])])
    _ = try index.need(.data, [id(1), id(2)])
    #expect(counts(index) == [[0, 2], [2, 0]])
    // Pack 2 has duplicates only, as a prune leaves it that was cut short.
    index = PruneIndex()
    _ = index.insert([pack(1, [blob(1), blob(2), blob(9)]), pack(2, [blob(1), blob(2)])])
    _ = try index.need(.data, [id(1), id(2)])
    #expect(counts(index) == [[0, 3], [2, 0]])
    // Neither: the last one counts.
    index = PruneIndex()
    _ = index.insert([pack(1, [blob(1), blob(8)]), pack(2, [blob(1), blob(9)])])
    _ = try index.need(.data, [id(1)])
    #expect(counts(index) == [[0, 2], [1, 1]])
  }

  @Test("a duplicate that nothing needs is unused everywhere")
  func unusedDuplicate() {
    let index = PruneIndex()
    _ = index.insert([pack(1, [blob(1)]), pack(2, [blob(1)])])
    #expect(counts(index) == [[0, 1], [0, 1]])
  }

  @Test("hundreds of copies of one blob count once")
  func manyCopies() throws {
    let index = PruneIndex()
    _ = index.insert((1...700).map { pack($0, [blob(1), blob(10_000 + $0)]) })
    _ = try index.need(.data, [id(1)])
    #expect(counts(index).reduce(0) { $0 + $1[0] } == 1)
  }

  @Test("a pack that two index files list is one pack, and is listed as it was")
  func sameTwice() {
    let index = PruneIndex()
    let contents = pack(1, [blob(1), blob(2, .tree, at: 1000), blob(3, at: 2000)])
    #expect(index.insert([contents]) == [0])
    #expect(index.insert([contents, pack(2, [blob(4)])]) == [0, 1])
    #expect(index.contents(0) == contents)
    #expect(index.blobCount(0) == 3)
  }

  @Test("what is needed is taken from one pack, and not when a pack that stays has it")
  func unplaced() throws {
    let index = PruneIndex()
    _ = index.insert([
      pack(1, [blob(1), blob(2), blob(9)]), pack(2, [blob(1), blob(2), blob(3)]), pack(3, [blob(3)]),
    ])
    _ = try index.need(.data, [id(1), id(2), id(3)])
    index.keep(2)
    #expect(index.unplacedCount == 2)
    #expect(index.takeUnplaced(.data, of: 0).map(\.id) == [id(1), id(2)])
    #expect(index.takeUnplaced(.data, of: 1).isEmpty)
    #expect(index.unplacedCount == 0)
  }
}
