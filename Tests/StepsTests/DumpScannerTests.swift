import Steps
import Testing

@Suite("What of an SQL dump reaches psql")
struct DumpScannerTests {
  /// What passes of `text`, given in pieces of `size` bytes.
  private static func passing(_ text: String, pieces size: Int = .max) throws(DumpRefusal) -> String {
    var scanner = DumpScanner()
    var passed: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let piece = Array(rest.prefix(size))
      rest = rest.dropFirst(size)
      let ranges: [Range<Int>]
      do {
        ranges = try piece.withUnsafeBytes { try scanner.scan($0) }
      } catch let refusal as DumpRefusal {
        throw refusal
      } catch {
        preconditionFailure("a scanner throws refusals only")
      }
      for range in ranges { passed += piece[range] }
    }
    try scanner.finish()
    return String(decoding: passed, as: UTF8.self)
  }

  private static func refusal(_ text: String) -> DumpRefusal? {
    do throws(DumpRefusal) {
      _ = try passing(text)
      return nil
    } catch {
      return error
    }
  }

  @Test(
    "SQL with backslashes, semicolons and dollars in every kind of quote passes as it is",
    arguments: [
      "SELECT 'a\\'; SELECT 'b';\n", "SELECT E'a\\'; \\! x', 1;\n", "SELECT e'\\\\', '\\';\n",
      "SELECT E'it''s \\! x';\n", "SELECT E'a'\n  '\\'; \\! x';\n", "SELECT E'a' -- c'\n--\n'\\'; \\! x';\n",
      "SELECT E'a' '\\';\n", "SELECT E'a'/**/\n'\\';\n", "SELECT E'a' -\n'\\';\n", "SELECT 'a'\n'\\';\n",
      "SELECT \"a\\! b\";\n", "SELECT \"q\"\"\\! b\";\n", "SELECT $$ \\! x $$;\n",
      "SELECT $tag$ $$ \\! x $tg$ $tag$;\n",
      "SELECT $a$ $b$ \\c x $b$ $a$;\n", "SELECT $_ä1$ \\! $_ä$ $_ä1$;\n", "SELECT $a$a$a$;\n", "SELECT $$$$;\n",
      "SELECT a$b$c, 1;\n", "SELECT $1;\n", "SELECT 1$x$\\!$x$;\n", "SELECT 1 - -2, 3/4, 5*6;\n",
      "-- a comment with \\! x and ' and $$\nSELECT 1;\n", "/* \\! x ' $$ */ SELECT 1;\n",
      "/* a /* nested */ \\! x */ SELECT 1;\n", "/*/ \\! x */ SELECT 1;\n", "SELECT 1 /* ** \\! x **/;\n",
      "SELECT 1 --\\! x\n;\n", "SELECT 2*/* \\! */3;\n", "SELECT U&'d\\0061t', U&\"d\\0061t\";\n",
      "SELECT B'01', x'1F';\n",
      "SELECT N'\\';\n", "SELECT 'a\nb\\\nc';\n", "SELECT a[1:2], b::int, :x FROM t;\n", "", "\n\n",
      "-- only a comment",
      "SET standard_conforming_strings = on;\n", "SET search_path = 'on';\n", "SELECT 1;\r\nSELECT '\r';\r\n",
      "CREATE USER MAPPING FOR a SERVER b;\n", "SELECT 'drop database x;';\n", "CREATE TABLE database (role int);\n",
      "ALTER TABLE role ADD x int;\n", "DROP TABLE \"database\";\n",
    ])
  func sql(_ text: String) throws {
    for size in [1, 2, 3, 7, Int.max] { #expect(try Self.passing(text, pieces: size) == text) }
  }

  @Test(
    "the data of COPY pass as they are, whatever is in them",
    arguments: [
      "COPY t FROM stdin;\n\\N\ta\\\\b\n\\! x\n\\.x\nx\\.\n \\.\n\\.\nSELECT 1;\n",
      "COPY public.t (a, \"b;\") FROM stdin;\n'\n$$\n/*\n--\n\\.\n\nCOPY u FROM STDIN;\n\\.\n",
      "copy t from stdin with (format csv);\n\"a\nb\",'\n\\.\nSELECT 1;\n",
      "COPY t FROM stdin;\r\na\r\n\\.\r\nSELECT 1;\r\n",
      "COPY t FROM stdin;\na\n\\.", "COPY t\n FROM\n -- c\n stdin /* d */;\n\\x\n\\.\n",
      "COPY t FROM stdin WHERE a > 1;\n\\x\n\\.\n", "COPY (SELECT 1 FROM stdin) TO STDOUT;\nSELECT 1;\n",
      "COPY t FROM '/file';\nSELECT 1;\n", "COPY t FROM \"x\" stdin;\nSELECT 1;\n",
    ])
  func copy(_ text: String) throws {
    for size in [1, 2, 3, 7, Int.max] { #expect(try Self.passing(text, pieces: size) == text) }
  }

  @Test("a body in standard SQL, and a rule, have semicolons inside")
  func bodies() throws {
    let routine = """
      CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql
      BEGIN ATOMIC
       SELECT CASE WHEN true THEN 1 END;
       COPY t FROM stdin;
       SELECT 2;
      END;
      SELECT 1;

      """
    #expect(try Self.passing(routine) == routine)
    let rule = "CREATE RULE r AS ON INSERT TO t DO (COPY t FROM stdin; SELECT 2);\nSELECT 1;\n"
    #expect(try Self.passing(rule) == rule)
  }

  @Test("the two commands that pg_dump writes are emptied, and their lines stay")
  func restrict() throws {
    let text = "--\n-- x\n--\n\n\\restrict aB3\n\nSELECT 1;\n\n\\unrestrict aB3\n"
    for size in [1, 2, 5, Int.max] {
      #expect(try Self.passing(text, pieces: size) == "--\n-- x\n--\n\n\n\nSELECT 1;\n\n\n")
    }
    #expect(try Self.passing("\\restrict a1\r\nSELECT 1;\n") == "\nSELECT 1;\n")
    #expect(try Self.passing("SELECT 1;\n\\unrestrict a1") == "SELECT 1;\n")
  }

  @Test(
    "every other command of psql is refused, with its line",
    arguments: [
      ("\\! touch x\n", 1), ("SELECT 1;\n\\connect shop\n", 2), ("SELECT 1 \\gset\n", 1), ("SELECT 1 \\g |sh\n", 1),
      ("\n\n  \\i /etc/passwd\n", 3), ("\\copy t FROM PROGRAM 'x'\n", 1), ("SELECT 'a\nb' \\! x\n", 2),
      ("\\o x\n", 1), ("\\.\n", 1), ("SELECT 1\\; SELECT 2;\n", 1), ("\\\\\n", 1), ("\\", 1),
      ("\\restrict `touch x`\n", 1), ("\\restrict a \\! x\n", 1), ("\\restrict\n", 1), ("\\restrict :a\n", 1),
      ("\\restrict a b\n", 1), ("SELECT\n\\restrict a\n1;\n", 2), ("SELECT 1; \\restrict a\n", 1),
      ("SELECT E'\\\\' \\! x\n", 1), ("SELECT 'a\\' \\! x;\n", 1), ("SELECT $a$ $a$ \\! x\n", 1),
      ("SELECT $a\\! x\n", 1), ("/* */ \\! x\n", 1), ("-- x\n\\! x\n", 2), ("COPY t FROM stdin;\na\n\\.\n\\! x\n", 4),
      ("COPY t FROM stdin; \\! x\n", 1), ("COPY (SELECT 1 FROM stdin) TO STDOUT;\n\\! x\n", 2),
      ("SELECT e 'a\\' \\! x';\n", 1), ("SELECT ae'a\\' \\! x';\n", 1), ("SELECT 1e'a\\' \\! x';\n", 1),
    ])
  func commands(_ text: String, _ line: Int) throws {
    let refusal = try #require(Self.refusal(text))
    #expect(refusal.line == line, "\(refusal)")
  }

  @Test("nothing from a refused command on has passed by then")
  func nothingPasses() throws {
    var scanner = DumpScanner()
    let begun = Array("SELECT 1;\nSELECT 2 \\! touch".utf8)
    let ranges = try begun.withUnsafeBytes { try scanner.scan($0) }
    #expect(ranges == [0..<19])
    #expect(throws: DumpRefusal.self) { try Array(" x\n".utf8).withUnsafeBytes { try scanner.scan($0) } }
  }

  @Test("what each command is, and the way out, are said")
  func words() {
    let table = [
      ("\\connect shop\n", "without --create"), ("\\! id\n", "runs a program"), ("\\i x\n", "another file"),
      ("\\foo\n", "\\foo is not SQL"), ("DROP DATABASE shop;\n", "DROP DATABASE reaches beyond"),
    ]
    for (text, words) in table { #expect(Self.refusal(text)?.description.contains(words) == true) }
  }

  @Test(
    "statements that reach beyond the database are refused before they end",
    arguments: [
      "DROP DATABASE shop", "create database x", "ALTER\n DATABASE x SET y = 1", "CREATE ROLE a", "DROP USER a",
      "CREATE USER \"a\"", "ALTER GROUP a", "ALTER SYSTEM SET x = 1", "DROP /* c */ TABLESPACE x", "; ;DROP ROLE a",
    ])
  func clusterWide(_ text: String) {
    #expect(Self.refusal(text + ";\n")?.what.contains("reaches beyond") == true)
    // Refused with the word, not with the semicolon: psql carries out what it has when its input ends.
    #expect(Self.refusal(text + " ")?.what.contains("reaches beyond") == true)
  }

  @Test(
    "a dump that was cut short is told from a whole one",
    arguments: [
      ("SELECT 1;\nCOPY t FROM stdin;\na\n", 3), ("COPY t FROM stdin;\na", 2), ("COPY t FROM stdin;", 1),
      ("SELECT 1;\nINSERT INTO\n t", 2), ("SELECT 1;\n\nSELECT 'a\n", 3), ("SELECT E'a\\", 1), ("SELECT \"a", 1),
      ("SELECT $$ a\n", 1), ("/* a\n\n", 1), ("SELECT 1", 1),
    ])
  func cutShort(_ text: String, _ line: Int) throws {
    let refusal = try #require(Self.refusal(text))
    #expect(refusal.line == line && refusal.advice.contains("cut short"), "\(refusal)")
  }

  @Test("pg_dump's last line has to be there where its first is")
  func trailer() throws {
    let head = "--\n-- PostgreSQL database dump\n--\n\nSELECT 1;\n"
    let end = "\n--\n-- PostgreSQL database dump complete\n--\n\n"
    #expect(Self.refusal(head)?.advice.contains("cut short") == true)
    #expect(try Self.passing(head + end, pieces: 3) == head + end)
    #expect(try Self.passing(head + end + head + end) == head + end + head + end)
    #expect(Self.refusal(head + end + head) != nil)
  }

  @Test(
    "what would be read in two ways is refused",
    arguments: [
      ("SELECT 1;\0\n", "value 0"), ("-- a\r\\! x\n", "carriage return"), ("SELECT E'a'\r'\\'';\n", "carriage return"),
      ("SELECT 1;\rSELECT 2;\n", "carriage return"), ("SET standard_conforming_strings = off;\n", "turned off"),
      ("SET SESSION standard_conforming_strings TO 'off';\n", "turned off"),
      ("COPY t FROM stdin; SELECT 1;\n\\.\n", "on its line"),
      ("SELECT $" + String(repeating: "a", count: 300) + "$", "tag"),
    ])
  func ambiguous(_ text: String, _ words: String) throws {
    let refusal = try #require(Self.refusal(text))
    #expect(refusal.description.contains(words), "\(refusal)")
  }

  @Test("the line of an error among the data of COPY is found by where these end")
  func copyLines() throws {
    var scanner = DumpScanner()
    let text = Array("SELECT 1;\nCOPY t FROM stdin;\na\nb\n\\.\nCOPY u FROM stdin;\n\\.\n".utf8)
    _ = try text.withUnsafeBytes { try scanner.scan($0) }
    #expect(scanner.firstDataLine(ofCopyEndingAt: 5) == 3)
    #expect(scanner.firstDataLine(ofCopyEndingAt: 7) == 7)
    for line in [1, 2, 3, 4, 6, 8] { #expect(scanner.firstDataLine(ofCopyEndingAt: line) == nil) }
    #expect(scanner.line == 8)
  }
}
