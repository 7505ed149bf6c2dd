import NIOCore
import PostgresEngine
import Repository
import Testing

@Suite("The server's manifest")
struct BackupManifestTests {
  @Test("files are read with size and checksum, also those whose names want escapes or are not UTF-8")
  func reads() throws {
    let files = try BackupManifest(Self.manifest()).files
    #expect(files.map(\.path) == ["PG_VERSION", "a\"b", "plain"])
    #expect(files.map(\.size) == [9, 0, 0])
    #expect(files.first?.checksum == "839206e3")
  }

  @Test("a manifest that was changed is refused")
  func changed() {
    let text = String(buffer: Self.manifest()).replacing("\"Size\": 9", with: "\"Size\": 8")
    let error = #expect(throws: PostgresError.self) { try BackupManifest(ByteBuffer(string: text)) }
    #expect(error?.code == .backupCorrupted)
  }

  @Test("what arrived must be what the manifest lists: nothing missing, nothing changed, nothing besides")
  func verifies() throws {
    let manifest = try BackupManifest(Self.manifest())
    func verify(_ change: (inout ReceivedFiles) -> Void) -> PostgresError.Code? {
      var received = Self.received()
      change(&received)
      do {
        try received.verify(manifest)
        return nil
      } catch { return (error as? PostgresError)?.code }
    }
    #expect(verify { _ in } == nil)
    #expect(verify { $0.add("pg_wal/000000010000000000000001", size: 1, checksum: CRC32C()) } == nil)
    #expect(verify { $0.add("plain", size: 1, checksum: CRC32C()) } == .backupCorrupted)
    #expect(verify { $0.add("PG_VERSION", size: 9, checksum: CRC32C()) } == .backupCorrupted)
    #expect(verify { $0.add("stranger", size: 0, checksum: CRC32C()) } == .backupCorrupted)
    #expect(verify { $0 = ReceivedFiles() } == .backupIncomplete)
  }

  @Test("a backup without all the WAL that it needs is refused")
  func wal() throws {
    var received = ReceivedFiles()
    let size = WALSegmentSize.standard
    func verify() throws {
      try received.verifyWAL(from: LSN(0x100_0028), to: LSN(0x300_0000), timeline: TimelineID(1), size: size)
    }
    received.add("pg_wal/000000010000000000000001", size: 16 << 20, checksum: CRC32C())
    #expect(throws: PostgresError.self) { try verify() }
    received.add("pg_wal/000000010000000000000002", size: 16 << 20, checksum: CRC32C())
    try verify()
  }

  static func received() -> ReceivedFiles {
    var received = ReceivedFiles()
    var checksum = CRC32C()
    checksum.update(ByteBuffer(string: "123456789"))
    received.add("PG_VERSION", size: 9, checksum: checksum)
    received.add("a\"b", size: 0, checksum: CRC32C())
    received.add("plain", size: 0, checksum: CRC32C())
    return received
  }

  static func manifest() -> ByteBuffer {
    let lines = """
      { "PostgreSQL-Backup-Manifest-Version": 1,
      "Files": [
      { "Path": "PG_VERSION", "Size": 9, "Last-Modified": "2026-11-23 13:00:00 GMT", "Checksum-Algorithm": "CRC32C", "Checksum": "839206e3" },
      { "Path": "a\\"b", "Size": 0, "Last-Modified": "2026-11-23 13:00:00 GMT", "Checksum-Algorithm": "CRC32C", "Checksum": "00000000" },
      { "Encoded-Path": "706c61696e", "Size": 0, "Last-Modified": "2026-11-23 13:00:00 GMT", "Checksum-Algorithm": "CRC32C", "Checksum": "00000000" }
      ],
      "WAL-Ranges": [
      { "Timeline": 1, "Start-LSN": "0/2000028", "End-LSN": "0/2000138" }
      ],

      """
    let digest = SHA256Digest(hashing: ByteBuffer(string: lines)).hexadecimal
    return ByteBuffer(string: lines + "\"Manifest-Checksum\": \"\(digest)\"}\n")
  }
}
