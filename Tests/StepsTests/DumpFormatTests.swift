import Foundation
import PostgresEngine
import Steps
import Testing
import TidemarkAPI

@Suite("What a dump is, and what its loader says")
struct DumpFormatTests {
  private static func tar(_ first: String) -> [UInt8] {
    var head = [UInt8](repeating: 0, count: 512)
    head.replaceSubrange(0..<first.utf8.count, with: first.utf8)
    head.replaceSubrange(257..<262, with: "ustar".utf8)
    return head
  }

  @Test("the first bytes tell the format")
  func told() {
    let table: [([UInt8], DumpFormat?)] = [
      (Array("PGDMP\u{01}\u{0e}".utf8), .custom), ([0x1f, 0x8b, 8], .gzip), ([0x28, 0xb5, 0x2f, 0xfd], .zstd),
      (Self.tar("toc.dat"), .tar), (Self.tar("README"), nil), (Array("-- hello\nSELECT 1;\r\n\t".utf8), .plain),
      (Array("SELECT 'ä';".utf8), .plain), ([0xef, 0xbb, 0xbf] + Array("SELECT 1;".utf8), .plain), ([], nil),
      (Array("BZh91AY".utf8), nil), (Array("PK\u{03}\u{04}".utf8), nil), ([0xff, 0xfe, 0x2d, 0], nil),
      ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], nil), ([0x53, 0x00, 0x45, 0x00], nil), ([1, 2, 3, 4], nil),
    ]
    for (head, format) in table { #expect(DumpFormat.told(by: head) == format, "\(head.prefix(8))") }
  }

  @Test("a file that is none of ours is called by its name, with the way out")
  func foreign() {
    #expect(DumpFormat.foreign(Array("BZh91".utf8))?.contains("bzip2") == true)
    #expect(DumpFormat.foreign(Self.tar("README"))?.contains("pg_dump did not write") == true)
    #expect(DumpFormat.foreign([])?.contains("empty") == true)
    #expect(DumpFormat.foreign([0xff, 0xfe])?.contains("UTF-16") == true)
  }

  @Test("a psql without restriction is not used, whatever its major version")
  func versions() throws {
    let table = [
      ("13.21", false), ("13.22", true), ("14.18", false), ("14.19", true), ("15.13", false), ("15.18", true),
      ("16.9", false), ("16.10", true), ("17.5", false), ("17.6", true), ("18.0", true), ("12.22", false),
    ]
    for (text, isFit) in table {
      #expect(ClientPrograms.canBeRestricted(try #require(PostgresVersion(text))) == isFit, "\(text)")
    }
    let output = "psql (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"
    #expect(ClientPrograms.version(in: output) == PostgresVersion("15.18"))
    #expect(ClientPrograms.version(in: "psql (PostgreSQL) 19devel") == nil)
  }

  @Test("an error of psql says the dump's line, also among the data of COPY")
  func psqlErrors() throws {
    func failure(_ text: String) -> StepError? {
      LoadFailure.psql(text) { $0 == 69 ? 65 : nil } as? StepError
    }
    let copy = """
      psql:<stdin>:3: WARNING:  01000: beware
      psql:<stdin>:69: ERROR:  22P02: invalid input syntax for type integer: "x"
      CONTEXT:  COPY t, line 3, column id: "x"
      LOCATION:  pg_strtoint32, numutils.c:232
      """
    let told = try #require(failure(copy))
    #expect(told.code == .loadFailed && told.message.hasPrefix("line 67: ERROR: invalid input syntax"))
    #expect(told.message.contains("22P02") && told.message.contains("COPY t, line 3, column id"))
    #expect(!told.message.contains("numutils") && told.message.contains("nothing was changed"))
    let role = failure("psql:<stdin>:12: ERROR:  42704: role \"alice\" does not exist\n")
    #expect(role?.message.hasPrefix("line 12: ERROR: role \"alice\" does not exist") == true)
    #expect(role?.message.contains("--no-owner") == true)
    #expect(failure("psql:<stdin>:2: error: backslash commands are restricted")?.message.hasPrefix("line 2: ") == true)
  }

  @Test("a connection that broke is tried again; an error of the dump is not")
  func transience() {
    let table: [(any Error, Bool)] = [
      (LoadFailure.psql("psql:<stdin>:4: FATAL:  57P01: terminating connection") { _ in nil }, true),
      (LoadFailure.psql("psql:<stdin>:4: server closed the connection unexpectedly\n") { _ in nil }, true),
      (LoadFailure.psql("psql: error: connection to server at \"x\" failed") { _ in nil }, true),
      (LoadFailure.psql("psql:<stdin>:4: ERROR:  40P01: deadlock detected") { _ in nil }, true),
      (LoadFailure.psql("psql:<stdin>:4: ERROR:  42601: syntax error") { _ in nil }, false),
      (LoadFailure.psql("") { _ in nil }, false),
      (LoadFailure.pgRestore("pg_restore: error: server closed the connection unexpectedly\n"), true),
      (LoadFailure.pgRestore("pg_restore: error: unsupported version (1.16) in file header\n"), false),
      (LoadFailure.pgDump("pg_dump: error: connection to server at \"127.0.0.1\" failed: refused\n"), true),
      (LoadFailure.pgDump("pg_dump: error: query failed: ERROR:  permission denied for table t\n"), false),
    ]
    for (error, isTransient) in table {
      let isTold = (error as? PostgresError)?.isTransient ?? false
      #expect(isTold == isTransient, "\(error)")
    }
  }

  @Test("an error of pg_restore says the entry of the archive")
  func archiveErrors() throws {
    let text = """
      pg_restore: while PROCESSING TOC:
      pg_restore: from TOC entry 3325; 0 16389 TABLE DATA t postgres
      pg_restore: error: COPY failed for table "t": ERROR:  invalid input syntax for type integer: "x"
      CONTEXT:  COPY t, line 3, column id: "x"
      Command was: COPY t
      """
    let told = try #require(LoadFailure.pgRestore(text) as? StepError)
    #expect(told.code == .loadFailed)
    #expect(told.message.hasPrefix("TOC entry 3325; 0 16389 TABLE DATA t postgres: COPY failed for table \"t\""))
    #expect(told.message.contains("CONTEXT: COPY t, line 3") && !told.message.contains("Command was"))
  }

  @Test("the databases of an import have names that fit, and say whose they are")
  func names() {
    let uid = "6F1C0a3b-1111-2222-3333-444444444444"
    let short = ImportNames(database: "shop", uid: uid)
    #expect(short.temporary == "shop_import_6f1c0a3b" && short.kept == "shop_before_6f1c0a3b")
    #expect(short.temporary.hasSuffix(ImportNames.temporaryEnding(uid: uid)))
    let long = ImportNames(database: String(repeating: "ä", count: 31), uid: uid)
    #expect(long.temporary.utf8.count <= 63 && long.kept.utf8.count <= 63)
    #expect(long.temporary.hasPrefix("ääää") && long.kept.hasSuffix("_before_6f1c0a3b"))
  }

  @Test("a new database is made like the one whose name it takes")
  func traits() {
    var traits = DatabaseTraits(owner: "al\"ice", encoding: "UTF8", collation: "de_DE.UTF-8", characterType: "C")
    #expect(
      DatabaseTraits.creation(of: "a\"b", like: traits)
        == "CREATE DATABASE \"a\"\"b\" WITH TEMPLATE template0 OWNER \"al\"\"ice\" ENCODING 'UTF8' "
        + "LC_COLLATE 'de_DE.UTF-8' LC_CTYPE 'C' TABLESPACE \"pg_default\"")
    (traits.provider, traits.locale, traits.rules) = ("i", "de-u-co-phonebk", "&V << w <<< W")
    #expect(
      DatabaseTraits.creation(of: "x", like: traits).hasSuffix(
        " LOCALE_PROVIDER icu ICU_LOCALE 'de-u-co-phonebk' ICU_RULES '&V << w <<< W'"))
    #expect(
      DatabaseTraits.creation(of: "x", like: nil) == "CREATE DATABASE \"x\" WITH TEMPLATE template0 ENCODING 'UTF8'")
  }

  @Test("settings and privileges are given on as they were, also those that are lists")
  func settings() {
    let given = DatabaseSettings(
      settings: [
        .init(name: "search_path", value: "\"\""), .init(name: "search_path", value: "\"$user\", \"a, \"\"b\", public"),
        .init(role: "al\"ice", name: "application_name", value: "it's \\ me"),
        .init(name: "DateStyle", value: "ISO, DMY"),
      ],
      grants: [
        .init(role: nil, privilege: "CONNECT", isGrantable: false),
        .init(role: "bob", privilege: "CREATE", isGrantable: true),
      ])
    #expect(
      given.statements(for: "s\"h", owner: "own") == [
        "ALTER DATABASE \"s\"\"h\" SET \"search_path\" TO ''",
        "ALTER DATABASE \"s\"\"h\" SET \"search_path\" TO '$user', 'a, \"b', 'public'",
        "ALTER ROLE \"al\"\"ice\" IN DATABASE \"s\"\"h\" SET \"application_name\" TO E'it''s \\\\ me'",
        "ALTER DATABASE \"s\"\"h\" SET \"DateStyle\" TO 'ISO, DMY'",
        "REVOKE ALL ON DATABASE \"s\"\"h\" FROM PUBLIC, \"own\"", "GRANT CONNECT ON DATABASE \"s\"\"h\" TO PUBLIC",
        "GRANT CREATE ON DATABASE \"s\"\"h\" TO \"bob\" WITH GRANT OPTION",
      ])
    #expect(DatabaseSettings(settings: [], grants: nil).statements(for: "x", owner: "own") == [])
  }
}
