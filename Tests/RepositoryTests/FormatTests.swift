import NIOCore
import Repository
import Testing

@Suite struct FormatTests {
  @Test("a digest reads and writes 64 hexadecimal digits, and nothing else")
  func digests() throws {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    let digest = SHA256Digest(hashing: ByteBuffer())
    #expect(digest.hexadecimal == empty)
    #expect(SHA256Digest(hexadecimal: empty) == digest)
    #expect(SHA256Digest(hexadecimal: empty.uppercased()) == digest)
    #expect(
      BlobID(SHA256Digest(hashing: ByteBuffer(string: "abc"))).description
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    for wrong in ["", String(empty.dropLast()), empty + "0", "g" + empty.dropFirst()] {
      #expect(SHA256Digest(hexadecimal: wrong) == nil)
    }
    #expect(try #require(SHA256Digest(hexadecimal: "0" + empty.dropFirst())) < digest)
  }

  @Test("known polynomials are told apart: irreducible ones and products")
  func polynomials() {
    // restic's documentation, and the test polynomial of github.com/restic/chunker.
    for text in ["25b468838dcb75", "3da3358b4dc173", "3", "2", "7", "b", "11b"] {
      #expect(ChunkerPolynomial(text)?.isIrreducible == true, "\(text)")
    }
    // x² + 1 = (x + 1)², x⁴ + x² + 1 = (x² + x + 1)², and x times something.
    for text in ["1", "5", "15", "6", "25b468838dcb74", "3da3358b4dc172"] {
      #expect(ChunkerPolynomial(text)?.isIrreducible == false, "\(text)")
    }
  }

  @Test("a random polynomial is irreducible, of degree 53, and another one each time")
  func randomPolynomials() {
    let polynomials = (0..<20).map { _ in ChunkerPolynomial.random() }
    #expect(Set(polynomials).count == polynomials.count)
    for polynomial in polynomials {
      #expect(polynomial.bits >> 53 == 1)
      #expect(polynomial.isIrreducible)
      #expect(ChunkerPolynomial(polynomial.description) == polynomial)
    }
  }

  @Test("Zstandard frames give back the bytes, and broken ones an error", arguments: [0, 1, 1000, 3_000_000])
  func zstd(length: Int) throws {
    let plaintext = prose(length, seed: 5)
    let frame = try Zstd.compress(plaintext)
    #expect(try Zstd.decompress(frame) == plaintext)
    if length > 0 {
      for cut in [1, frame.readableBytes / 2, frame.readableBytes - 1] {
        let short = try #require(frame.getSlice(at: 0, length: cut))
        #expect(throws: RepositoryError.self) { try Zstd.decompress(short) }
      }
      #expect(throws: RepositoryError.self) { try Zstd.decompress(frame, limit: length - 1) }
    }
    #expect(throws: RepositoryError.self) { try Zstd.decompress(noise(100, seed: 3)) }
  }

  @Test("two frames one after the other are one content")
  func frames() throws {
    let (first, second) = (prose(200_000, seed: 1), prose(100_000, seed: 2))
    var frames = try Zstd.compress(first)
    frames.writeImmutableBuffer(try Zstd.compress(second))
    var both = first
    both.writeImmutableBuffer(second)
    #expect(try Zstd.decompress(frames) == both)
  }

  @Test("an index file reads as it was written")
  func indexFiles() throws {
    let packs = (0..<3).map { pack in
      PackContents(
        id: PackID(SHA256Digest(hashing: ByteBuffer(string: "pack \(pack)"))),
        blobs: (0..<5).map { blob in
          PackedBlob(
            id: BlobID(SHA256Digest(hashing: ByteBuffer(string: "\(pack) \(blob)"))), type: pack == 2 ? .tree : .data,
            offset: UInt32(blob * 1000), length: 1000, uncompressedLength: blob == 3 ? 0 : .max)
        })
    }
    #expect(try IndexFile.decode(IndexFile.encode(packs), of: "it") == packs)
  }

  @Test("an index file with spaces, unknown keys and other orders is read")
  func foreignIndexFiles() throws {
    let id = SHA256Digest(hashing: ByteBuffer(string: "x"))
    let json = """
      { "supersedes" : [ "\(id.hexadecimal)" ], "later": {"a":[1,{"b":"}\\"]"}],"c":null},
        "packs" : [ { "blobs" : [ { "uncompressed_length": 7, "length" : 40, "offset": 0, "new": -1.5e3,
        "type": "tree", "id": "\(id.hexadecimal)" } ], "id" : "\(id.hexadecimal)" } ] }
      """
    let packs = try IndexFile.decode(ByteBuffer(string: json), of: "it")
    #expect(packs.first?.blobs.first?.type == .tree)
    #expect(packs.first?.blobs.first?.uncompressedLength == 7)
    for cut in stride(from: 1, to: json.utf8.count - 1, by: 3) {
      let short = String(json.prefix(cut))
      #expect(throws: RepositoryError.self) { try IndexFile.decode(ByteBuffer(string: short), of: "it") }
    }
  }

  @Test("a million blobs in the index take less than 64 MiB")
  func indexMemory() {
    let index = BlobIndex()
    var generator = SplitMix(state: 9)
    let ids = (0..<1_000_000).map { _ in
      BlobID(SHA256Digest(generator.next(), generator.next(), generator.next(), generator.next()))
    }
    for start in stride(from: 0, to: ids.count, by: 50) {
      let blobs = ids[start..<start + 50].enumerated().map {
        PackedBlob(id: $1, type: .data, offset: UInt32($0), length: 100, uncompressedLength: 0)
      }
      index.insert([PackContents(id: PackID(ids[start].digest), blobs: blobs)])
    }
    #expect(index.count == ids.count)
    #expect(index.memory < 64 << 20, "\(index.memory)")
    #expect(ids.allSatisfy { index.location(.data, $0) != nil })
    #expect(index.location(.data, ids[77])?.offset == 27)
    #expect(index.location(.tree, ids[77]) == nil)
    #expect(index.location(.data, BlobID(SHA256Digest(1, 2, 3, 4))) == nil)
  }
}
