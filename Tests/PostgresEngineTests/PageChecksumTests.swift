import NIOCore
import PostgresEngine
import Testing

@Suite("Checksums of pages and files")
struct PageChecksumTests {
  @Test("CRC-32C of the published vector, whole and in parts")
  func crcVector() {
    var whole = CRC32C()
    whole.update(ByteBuffer(string: "123456789"))
    #expect(whole.value == 0xE306_9283)
    var parts = CRC32C()
    for part in ["1", "", "2345678", "9"] { parts.update(ByteBuffer(string: part)) }
    #expect(parts == whole)
  }

  @Test("a new page, and a page written after the backup began, are passed over")
  func passedOver() {
    var verifier = PageVerifier(firstBlock: 0, startLSN: LSN(100))
    #expect(verifier.check(ByteBuffer(repeating: 0, count: 8192)) == nil)
    #expect(verifier.check(Self.page(lsn: 100)) == nil)
    #expect(verifier.check(Self.page(lsn: 99))?.block == 2)
  }

  @Test("a bad page is found wherever the stream is cut")
  func anySplit() throws {
    var file = ByteBuffer(repeating: 0, count: 8192)
    file.writeImmutableBuffer(Self.page(lsn: 1))
    for split in stride(from: 1, to: file.readableBytes, by: 61) {
      var verifier = PageVerifier(firstBlock: 0, startLSN: LSN(100))
      let first = verifier.check(try #require(file.getSlice(at: 0, length: split)))
      let second = verifier.check(try #require(file.getSlice(at: split, length: file.readableBytes - split)))
      #expect(first == nil)
      #expect(second?.block == 1)
    }
  }

  @Test("relation files are known by their names", arguments: Self.names)
  func relations(_ path: String, segment: UInt32?) {
    #expect(RelationFileName(path: path)?.segment == segment)
  }

  static let names: [(String, UInt32?)] = [
    ("base/5/16384", 0), ("base/5/16384.3", 3), ("base/5/16384_fsm", 0), ("base/5/16384_vm.1", 1),
    ("base/5/16384_init", 0), ("global/1260", 0), ("pg_tblspc/16390/PG_15_202209061/5/16391", 0),
    ("base/5/PG_VERSION", nil), ("base/5/pg_filenode.map", nil), ("global/pg_control", nil), ("base/5/t3_16384", nil),
    ("base/5/16384_xyz", nil), ("base/5/16384.", nil), ("pg_wal/000000010000000000000001", nil), ("16384", nil),
    ("base/pgsql_tmp/16384", nil), ("pg_tblspc/x/PG_15/5/1", nil),
  ]

  /// A page that is not new, with a checksum that is wrong.
  static func page(lsn: UInt32) -> ByteBuffer {
    var page = ByteBuffer(repeating: 7, count: 8192)
    page.setInteger(UInt32(0), at: 0, endianness: .little)
    page.setInteger(lsn, at: 4, endianness: .little)
    page.setInteger(UInt16(8192), at: 14, endianness: .little)
    page.setInteger(UInt16(0), at: 8, endianness: .little)
    return page
  }
}
