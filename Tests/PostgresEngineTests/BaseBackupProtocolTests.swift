import NIOCore
import PostgresEngine
import Testing

@Suite("What the server sends after BASE_BACKUP")
struct BaseBackupProtocolTests {
  @Test("one copy for each archive and one for the manifest, before 15")
  func separateCopies() throws {
    var server = BaseBackupProtocol(PostgresVersion(number: 140_011))
    let items =
      Self.beginning + [
        .copyBegan, .data(ByteBuffer(string: "space")), .copyBegan, .data(ByteBuffer(string: "base")), .copyBegan,
        .data(ByteBuffer(string: "manifest")), Self.end,
      ]
    #expect(try items.flatMap { try server.accept($0) } == Self.events)
    #expect(server.isComplete)
  }

  @Test("one copy whose messages say what they are, since 15")
  func multiplexed() throws {
    var server = BaseBackupProtocol(PostgresVersion(number: 150_020))
    let items =
      Self.beginning + [
        .copyBegan, Self.message("n", "16390.tar\0/srv/space\0"), Self.message("d", "space"),
        Self.message("p", "\0\0\0\0\0\0\0\u{1}"), Self.message("n", "base.tar\0\0"), Self.message("d", "base"),
        Self.message("m", ""), Self.message("d", "manifest"), Self.end, .result(SQLResult(tag: "BASE_BACKUP")),
      ]
    #expect(try items.flatMap { try server.accept($0) } == Self.events)
    #expect(server.isComplete)
  }

  @Test("data that belong to no archive are refused")
  func stray() throws {
    var server = BaseBackupProtocol(PostgresVersion(number: 150_020))
    for item in Self.beginning { _ = try server.accept(item) }
    #expect(throws: PostgresError.self) { try server.accept(Self.message("d", "x")) }
  }

  @Test("an end before all archives have come is refused", arguments: [130_000, 140_000])
  func early(_ version: Int) throws {
    var server = BaseBackupProtocol(PostgresVersion(number: version))
    for item in Self.beginning + [.copyBegan] { _ = try server.accept(item) }
    #expect(throws: PostgresError.self) { try server.accept(Self.end) }
  }

  static let beginning: [CommandItem] = [
    .result(SQLResult(columns: ["recptr", "tli"], values: [["0/2000028", "3"]])),
    .result(
      SQLResult(
        columns: ["spcoid", "spclocation", "size"], values: [["16390", "/srv/space", "10"], [nil, nil, "20"]])),
  ]
  static let end = CommandItem.result(SQLResult(columns: ["recptr", "tli"], values: [["0/2000138", "3"]]))

  static let events: [BaseBackupEvent] = [
    .began(at: LSN(0x200_0028), timeline: TimelineID(3)),
    .announced([.tablespace(oid: 16390, location: "/srv/space"), .base], estimatedBytes: 30 << 10),
    .archiveBegan(.tablespace(oid: 16390, location: "/srv/space")), .archiveData(ByteBuffer(string: "space")),
    .archiveEnded, .archiveBegan(.base), .archiveData(ByteBuffer(string: "base")), .archiveEnded,
    .manifestData(ByteBuffer(string: "manifest")), .ended(at: LSN(0x200_0138), timeline: TimelineID(3)),
  ]

  static func message(_ kind: String, _ content: String) -> CommandItem { .data(ByteBuffer(string: kind + content)) }
}
