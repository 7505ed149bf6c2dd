import Foundation
import Glibc
import NIOCore
import ObjectStore
import Steps
import TestSupport
import Testing
import TidemarkAPI

@Suite("A dump becomes a database, or nothing at all")
struct ImportStepTests {
  @Test("every format comes back as it was, also compressed, and what had the name is kept")
  func formats() async throws {
    try await ImportBench.with { bench in
      try await bench.makeZoo("zoo")
      let (before, plain) = (try await bench.contents("zoo"), try await bench.dump("zoo"))
      let custom = try await bench.dump("zoo", "--format=custom")
      let tar = try await bench.dump("zoo", "--format=tar")
      let table: [(String, Data, DumpFormat?)] = [
        ("plain", plain, nil), ("plain", plain, .plain), ("custom", custom, nil), ("custom", custom, .custom),
        ("raw", try await bench.dump("zoo", "--format=custom", "--compress=0"), nil), ("tar", tar, nil),
        ("gzip", try await bench.filtered(plain, "gzip"), nil),
        ("members", try await bench.filtered(plain, "gzip") + bench.filtered(Data("-- \n".utf8), "gzip"), .gzip),
        ("zstd", try await bench.filtered(plain, "zstd", "-q"), .zstd),
        ("inserts", try await bench.dump("zoo", "--inserts"), nil),
        ("both", try await bench.filtered(custom, "zstd", "-q"), nil),
        ("wrapped", try await bench.filtered(tar, "gzip"), nil),
        ("marked", Data([0xef, 0xbb, 0xbf]) + plain, nil),
      ]
      for (name, dump, format) in table {
        var source = try await bench.upload(dump, "dumps/\(name)")
        source.format = format
        let loaded = try await bench.load(source, as: "shop")
        #expect(loaded.database == "shop", "\(name)")
        let after = try await bench.contents("shop")
        #expect(after == before, "\(name)")
        if let kept = loaded.keptAs { try await bench.postgres.psql("DROP DATABASE \"\(kept)\"") }
      }
      #expect(try await bench.databases() == ["shop", "zoo"])
    }
  }

  @Test("a file that restic stored is loaded, by its snapshot's id, and as the latest that has it")
  func snapshots() async throws {
    try await ImportBench.with { bench in
      try await bench.makeZoo("zoo", rows: 50)
      let before = try await bench.contents("zoo")
      let plain = bench.file("plain.sql")
      try (try await bench.dump("zoo")).write(to: URL(filePath: plain))
      let store = bench.store
      let environment = store.server.environment.merging([
        "RESTIC_REPOSITORY": "s3:\(store.server.endpoint)/\(store.bucket)/\(store.input.prefix)/elsewhere/repo",
        "RESTIC_PASSWORD": StepStore.password, "RESTIC_CACHE_DIR": bench.file("cache"),
      ]) { $1 }
      try await RunningProgram.run("restic", ["init"], environment: environment)
      func back(_ name: String, _ path: String) async throws {
        try await RunningProgram.run(
          "/bin/sh", ["-c", "restic backup --stdin --stdin-filename \(name) < \(path)"], environment: environment)
      }
      try await back("zoo.sql", plain)
      try await back("other.txt", "/etc/hostname")
      var source = DumpLocation(key: "/zoo.sql", snapshot: "latest", repositoryPrefix: "elsewhere/repo")
      try await bench.load(source, as: "first")
      #expect(try await bench.contents("first") == before)
      struct Entry: Decodable { var id: String }
      let listing = try await RunningProgram.run("restic", ["snapshots", "--json"], environment: environment).output
      let ids = try JSONDecoder().decode([Entry].self, from: Data(listing.utf8)).map(\.id)
      source.snapshot = String(try #require(ids.first).prefix(8))
      try await bench.load(source, as: "second")
      #expect(try await bench.contents("second") == before)
      source.key = "/nothing.sql"
      let failure = try await bench.prepare(source, as: "third").failure()
      #expect(failure.code == "DumpRefused" && failure.message.contains("has no file '/nothing.sql'"))
      #expect(try await bench.databases() == ["first", "second", "zoo"])
    }
  }

  @Test("an uploaded dump lies sealed in the bucket, loads as it was, and what was changed in it is noticed")
  func staged() async throws {
    try await ImportBench.with { bench in
      try await bench.makeZoo("zoo", rows: 4000)
      let before = try await bench.contents("zoo")
      let dump = ByteBuffer(bytes: try await bench.dump("zoo"))
      let staging = DumpStaging(store: bench.store.input, secrets: bench.store.secrets)
      let place = DatabasePlace(namespace: "shops", name: "shop")
      for (id, size) in [("small", 1000), ("large", 5 << 20)] {
        let staged = try await staging.put(Slices(whole: dump, size: size), for: place, id: id)
        #expect(staged.bytes == dump.readableBytes)
        try await bench.load(DumpLocation(key: staged.key), as: id)
        #expect(try await bench.contents(id) == before)
      }
      let key = "imports/shops/shop/small"
      let stored = try await bench.store.withStore { try await $0.get(key) }
      let bytes = Data(stored.readableBytesView)
      #expect(bytes.range(of: Data("PostgreSQL".utf8)) == nil && bytes.count < dump.readableBytes)
      var changed = bytes
      changed[bytes.count / 2] ^= 1
      for damaged in [changed, bytes.dropLast(1), bytes.prefix(20), bytes + bytes.dropFirst(16)] {
        _ = try await bench.upload(Data(damaged), key)
        let failure = try await bench.prepare(DumpLocation(key: key), as: "shop").failure()
        #expect(failure.code == "DumpDamaged", "\(failure)")
      }
      let moved = try await bench.upload(bytes, "dumps/moved")
      #expect(try await bench.prepare(moved, as: "shop").failure().message.contains("was moved"))
      #expect(try await bench.databases() == ["large", "small", "zoo"])
    }
  }

  @Test("a dump that fails in the middle of its data leaves nothing changed, and says the line")
  func failing() async throws {
    try await ImportBench.with { bench in
      try await bench.postgres.psql("CREATE DATABASE shop")
      try await bench.postgres.psql(
        "CREATE TABLE orders (id int PRIMARY KEY, v text)",
        "INSERT INTO orders SELECT g, 'v' || g FROM generate_series(1, 1000) g", database: "shop")
      let before = try await bench.contents("shop")
      let lines = String(decoding: try await bench.dump("shop"), as: UTF8.self)
        .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      let row = try #require(lines.firstIndex { $0 == "500\tv500" })
      var damaged = lines
      damaged[row] = "five\tv500"
      let source = try await bench.upload(Data(damaged.joined(separator: "\n").utf8))
      let failure = try await bench.prepare(source, as: "shop").failure()
      #expect(failure.code == "LoadFailed")
      #expect(failure.message.hasPrefix("line \(row + 1): ERROR: invalid input syntax for type integer"))
      let archive = try await bench.postgres.customDump(of: "shop", replacing: "v500", in: bench)
      let broken = try await bench.prepare(try await bench.upload(archive), as: "shop").failure()
      #expect(broken.code == "LoadFailed", "\(broken)")
      #expect(broken.message.contains("table \"orders\"") && broken.message.contains("line 500"), "\(broken)")
      #expect(try await bench.databases() == ["shop"])
      #expect(try await bench.contents("shop") == before)
    }
  }

  @Test("a dump that was cut short, or is none, is not loaded, and what is there stays")
  func damaged() async throws {
    try await ImportBench.with { bench in
      try await bench.makeZoo("zoo", rows: 300)
      let before = try await bench.contents("zoo")
      let plain = try await bench.dump("zoo")
      let custom = try await bench.dump("zoo", "--format=custom", "--compress=0")
      let gzip = try await bench.filtered(plain, "gzip")
      let zstd = try await bench.filtered(plain, "zstd", "-q")
      func flipped(_ data: Data) -> Data {
        var data = data
        data[data.startIndex + data.count / 2] ^= 0x55
        return data
      }
      let table: [(String, Data, String)] = [
        ("plain", plain.prefix(plain.count / 2), "DumpRefused"), ("end", plain.dropLast(200), "DumpRefused"),
        ("custom", custom.prefix(custom.count / 2), "LoadFailed"), ("gzip", gzip.dropLast(9), "DumpDamaged"),
        ("gzip bits", flipped(gzip), "DumpDamaged DumpRefused LoadFailed"), ("zstd", zstd.dropLast(5), "DumpDamaged"),
        ("zstd bits", flipped(zstd), "DumpDamaged DumpRefused LoadFailed"),
        ("bzip2", Data("BZh91AY&SY".utf8), "DumpRefused"),
        ("empty", Data(), "DumpRefused"), ("gzip of nothing", try await bench.filtered(Data(), "gzip"), "DumpRefused"),
        ("twice", try await bench.filtered(gzip, "zstd", "-q"), "DumpRefused"),
        ("utf-16", Data([0xff, 0xfe, 0x2d, 0]), "DumpRefused"),
      ]
      for (name, dump, code) in table {
        let failure = try await bench.prepare(try await bench.upload(Data(dump)), as: "zoo").failure()
        #expect(code.contains(failure.code), "\(name): \(failure)")
      }
      var mistaken = try await bench.upload(plain)
      mistaken.format = .custom
      #expect(try await bench.prepare(mistaken, as: "zoo").failure().message.contains("begins as plain"))
      #expect(try await bench.prepare(DumpLocation(key: "no/such"), as: "zoo").failure().code == "NotFound")
      #expect(try await bench.databases() == ["zoo"])
      #expect(try await bench.contents("zoo") == before)
    }
  }

  @Test("a dump runs no program and no statement beyond its database, also where it deceives")
  func hostile() async throws {
    try await ImportBench.with { bench in
      try await bench.postgres.psql("CREATE DATABASE shop")
      let mark = bench.file("touched")
      let table = [
        ("\\! touch \(mark)", "line 2:"), ("SELECT 1 \\g | touch \(mark)", "line 2:"),
        ("DROP DATABASE shop;", "line 2:"),
        ("\\copy (SELECT 1) TO PROGRAM 'touch \(mark)'", "line 2:"), ("\\connect shop", "without --create"),
        ("\\restrict `touch \(mark)`", "line 2:"),
        // A string that ends elsewhere than one would think: psql itself must be the fence.
        (
          "SELECT set_config('standard_conforming_strings', 'off', false);\nSELECT '\\' || ' \\! touch \(mark)\n';",
          "backslash commands are restricted"
        ),
      ]
      for (text, words) in table {
        let source = try await bench.upload(Data("SELECT 1;\n\(text)\nSELECT 2;\n".utf8))
        let failure = try await bench.prepare(source, as: "shop").failure()
        #expect(failure.message.contains(words), "\(failure)")
        #expect(!FileManager.default.fileExists(atPath: mark), "\(text)")
      }
      let created = try await bench.upload(try await bench.dump("shop", "--create", "--clean"))
      #expect(try await bench.prepare(created, as: "shop").failure().message.contains("DROP DATABASE"))
      #expect(try await bench.databases() == ["shop"])
    }
  }

  @Test("a role that may not create databases, or does not own the one to be replaced, is told so before anything")
  func rights() async throws {
    try await ImportBench.with { bench in
      let postgres = bench.postgres
      try await postgres.psql("CREATE DATABASE shop", "CREATE ROLE loader LOGIN CREATEDB PASSWORD 'it''s: a \\ word'")
      let source = try await bench.upload(Data("CREATE TABLE t (id int);\n".utf8))
      let replicator = try await bench.prepare(
        source, as: "other", role: (postgres.replicationUser, postgres.replicationPassword)
      ).failure()
      #expect(replicator.code == "RoleNotPermitted" && replicator.message.contains("may not create databases"))
      #expect(replicator.message.contains("adminSecretName"))
      let role = (name: "loader", password: "it's: a \\ word")
      let stranger = try await bench.prepare(source, as: "shop", role: role).failure()
      #expect(stranger.code == "RoleNotPermitted" && stranger.message.contains("does not own database shop"))
      guard case .done(.loadedDump(let loaded)) = try await bench.prepare(source, as: "own", role: role).run() else {
        throw TestSupportError("a role with CREATEDB may load into a database of its own")
      }
      #expect(loaded == LoadedDump(database: "own"))
      #expect(try await bench.databases() == ["own", "shop"])
    }
  }

  @Test("the new database has the owner, encoding, locale and limits of the one that it replaces")
  func traits() async throws {
    try await ImportBench.with { bench in
      let postgres = bench.postgres
      try await postgres.psql("CREATE ROLE owner", "CREATE ROLE app")
      try await postgres.psql(
        """
        CREATE DATABASE shop TEMPLATE template0 OWNER owner ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'
        CONNECTION LIMIT 7
        """)
      try await postgres.psql(
        "ALTER DATABASE shop SET search_path = '', \"odd, name\", public", "ALTER DATABASE shop SET work_mem = '7MB'",
        "ALTER ROLE owner IN DATABASE shop SET application_name = 'it''s \\ me'",
        "REVOKE ALL ON DATABASE shop FROM PUBLIC", "GRANT CONNECT ON DATABASE shop TO app WITH GRANT OPTION",
        "COMMENT ON DATABASE shop IS 'the shop'")
      let question = """
        SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype, datconnlimit, datacl,
          (SELECT string_agg(setrole || ':' || setconfig::text, ' ' ORDER BY setrole)
           FROM pg_db_role_setting WHERE setdatabase = d.oid)
        FROM pg_database d WHERE datname = 'shop'
        """
      let before = try await postgres.psql(question)
      let source = try await bench.upload(Data("CREATE TABLE t (v text);\nINSERT INTO t VALUES ('ä');\n".utf8))
      let loaded = try await bench.load(source, as: "shop")
      #expect(try await postgres.psql(question) == before)
      #expect(try await postgres.psql("SELECT ascii(v), octet_length(v) FROM public.t", database: "shop") == "228|1")
      let kept = try #require(loaded.keptAs)
      #expect(
        try await postgres.psql(
          "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '\(kept)'") == "the shop")
    }
  }

  @Test("clients of the old database are sent away once, and find the new one; none waits forever")
  func clients() async throws {
    try await ImportBench.with { bench in
      let postgres = bench.postgres
      try await bench.makeZoo("zoo", rows: 100)
      try await postgres.psql("CREATE DATABASE shop")
      try await postgres.psql("CREATE TABLE old (id int)", database: "shop")
      let source = try await bench.upload(try await bench.dump("zoo"))
      let idle = try RunningProgram.start(
        "\(postgres.binaries)/psql", ["-X", "-c", "BEGIN; INSERT INTO old VALUES (1); SELECT pg_sleep(300)"],
        environment: postgres.environment("shop"))
      let loop = try RunningProgram.start(
        "/bin/sh",
        [
          "-c",
          "while true; do timeout 20 \(postgres.binaries)/psql -X -A -t -q -c "
            + "\"SELECT coalesce(to_regclass('old')::text, to_regclass('plain')::text)\" 2>&1; done",
        ], environment: postgres.environment("shop"))
      try await loop.line(containing: "old", within: .seconds(30))
      let loaded = try await bench.load(source, as: "shop")
      try await loop.line(containing: "plain", within: .seconds(30))
      try await loop.kill()
      let ended = try await idle.wait(within: .seconds(30))
      #expect(ended.ending != .exited(0) && ended.errors.contains("terminating connection"))
      let seen = loop.output.split(separator: "\n")
      let firstNew = try #require(seen.firstIndex(of: "plain"))
      #expect(!seen[firstNew...].contains("old"), "nobody sees the old database after the new one")
      let kept = try #require(loaded.keptAs)
      #expect(try await postgres.psql("SELECT count(*) FROM old", database: kept) == "0")
    }
  }

  @Test("a prepared transaction holds the old database: it keeps its name, and the step may be run again")
  func preparedTransaction() async throws {
    try await ImportBench.with({ $0.settings["max_prepared_transactions"] = "5" }) { bench in
      let postgres = bench.postgres
      try await postgres.psql("CREATE DATABASE shop")
      try await postgres.psql("CREATE TABLE old (id int)", database: "shop")
      try await postgres.psql("BEGIN; INSERT INTO old VALUES (1); PREPARE TRANSACTION 'p'", database: "shop")
      let step = try bench.prepare(try await bench.upload(Data("CREATE TABLE t ();\n".utf8)), as: "shop")
      guard case .tryAgain(let failure) = try await step.run() else {
        throw TestSupportError("it is to be tried again")
      }
      #expect(failure.code == "DatabaseInUse" && failure.message.contains("pg_prepared_xacts"))
      #expect(try await bench.databases() == ["shop"])
      try await postgres.psql("COMMIT PREPARED 'p'", database: "shop")
      guard case .done = try await step.run() else { throw TestSupportError("the second run is to succeed") }
      #expect(try await postgres.psql("SELECT to_regclass('t')", database: "shop") == "t")
    }
  }

  @Test("killed at any moment and run again, an import ends as if nothing had been: one database, one kept")
  func killed() async throws {
    try await ImportBench.with { bench in
      try await bench.makeZoo("zoo", rows: 3000)
      let before = try await bench.contents("zoo")
      let dump = try await bench.dump("zoo")
      let source = try await bench.upload(dump)
      try await bench.postgres.psql("CREATE DATABASE shop")
      try await bench.postgres.psql("CREATE TABLE old (id int)", database: "shop")
      // Half a second's reading, so that moments fall into every part.
      let step = try bench.prepare(source, as: "shop", speed: .bytesPerSecond(Int64(dump.count)))
      var moment = 60
      var done = false
      while !done {
        let program = try step.start()
        try await Task.sleep(for: .milliseconds(moment))
        program.signal(SIGKILL)
        _ = try await program.wait(within: .seconds(30))
        let names = try await bench.databases()
        #expect(names.filter { $0 == "shop" }.count == 1, "there is always one: \(names)")
        done = names.contains { $0.hasPrefix("shop_before_") }
        moment += moment < 300 ? 60 : 150
      }
      // The name was taken, and the result may have been lost: it is found again, and nothing is done twice.
      for _ in 0..<2 {
        guard case .done(.loadedDump(let loaded)) = try await step.run() else { throw TestSupportError("it is done") }
        #expect(loaded.database == "shop" && loaded.keptAs?.hasPrefix("shop_before_") == true)
      }
      #expect(try await bench.contents("shop") == before)
      #expect(try await bench.databases().count == 3)
    }
  }

  @Test("no secret is in the arguments of any process, nor in the log, while a dump is loaded")
  func secrets() async throws {
    try await ImportBench.with { bench in
      try await bench.makeZoo("zoo", rows: 2000)
      for format in ["plain", "custom"] {
        let dump = try await bench.dump("zoo", "--format=\(format)")
        let source = try await bench.upload(dump, "dumps/\(format)")
        let step = try bench.prepare(source, as: "shop", speed: .bytesPerSecond(Int64(dump.count) / 2))
        let program = try step.start()
        var seen: Set<String> = []
        while program.isRunning {
          for line in Self.commandLines() { seen.insert(line) }
          try await Task.sleep(for: .milliseconds(50))
        }
        let secrets = [bench.postgres.superuserPassword, StepStore.password, bench.store.server.keys.secretKey]
        #expect(seen.contains { $0.contains(format == "plain" ? "--no-psqlrc" : "--exit-on-error") })
        for secret in secrets {
          #expect(!seen.contains { $0.contains(secret) })
          #expect(!program.errors.contains(secret) && !program.output.contains(secret))
        }
        #expect(!FileManager.default.fileExists(atPath: "\(step.folder)/\(StepRequest.secretsFolder)/pgpass"))
      }
    }
  }

  private static func commandLines() -> [String] {
    let processes = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { Int($0) }
    return processes.compactMap { FileManager.default.contents(atPath: "/proc/\($0)/cmdline") }
      .map { String(decoding: $0, as: UTF8.self) }
  }
}

extension TestPostgres {
  /// A dump in the custom format, uncompressed, with `text` replaced by as many tabs.
  fileprivate func customDump(
    of database: String, replacing text: String, in bench: ImportBench
  ) async throws -> Data {
    var dump = try await bench.dump(database, "--format=custom", "--compress=0")
    let range = try #require(dump.range(of: Data(text.utf8)))
    // A row of more columns than the table has.
    dump.replaceSubrange(range, with: Data(repeating: UInt8(ascii: "\t"), count: range.count))
    return dump
  }
}
