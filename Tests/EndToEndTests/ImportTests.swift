import Foundation
import Glibc
import TestSupport
import Testing

@Suite("A dump is loaded where somebody asks for it by YAML")
struct ImportTests {
  private func withShop(_ name: String, _ body: (Bed, TestPostgres) async throws -> Void) async throws {
    let postgres = try await TestPostgres.start()
    try await Bed.with(name) { bed in
      try await bed.applyDestination()
      try await bed.applyShop(postgres, orders: 2000)
      try await body(bed, postgres)
    }
    try await postgres.remove()
  }

  private func logicalBackup(_ name: String, in bed: Bed) async throws {
    try await bed.applyBackup(name, "  method: logical")
    try await bed.ready("backup/\(name)")
  }

  @Test("a logical Backup is one file for restic, and comes back into the same server beside what was there")
  func logical() async throws {
    try await withShop("logical") { bed, postgres in
      try await logicalBackup("dump", in: bed)
      let snapshot = try await bed.field("backup/dump", ".status.snapshot")
      #expect(try await bed.resticSnapshots() == [snapshot])
      #expect(try await bed.field("backup/dump", ".status.postgres") == "")
      // It is no base backup: there is nothing to recover from yet.
      #expect(try await bed.field("database/shop", ".status.recoveryWindow.earliest") == "")
      try await postgres.psql("DELETE FROM orders WHERE id > 10", database: "shop")
      try await bed.applyRestore("back", source: "backupName: dump")
      try await bed.ready("restorerequest/back")
      #expect(try await postgres.psql("SELECT count(*) FROM orders", database: "shop") == "2000")
      let kept = try await bed.field("restorerequest/back", ".status.loaded.keptAs")
      #expect(try await postgres.psql("SELECT count(*) FROM orders", database: kept) == "10")
      try await bed.kubectl("delete", "restorerequest/back", "backup/dump")
      try await bed.eventuallyGone("backup/dump")
      #expect(try await bed.resticSnapshots() == [])
      #expect(try await postgres.psql("SELECT count(*) FROM orders", database: "shop") == "2000")
    }
  }

  @Test("a dump at a path goes into a database of another name; one that fails leaves nothing and says the line")
  func path() async throws {
    try await withShop("path") { bed, postgres in
      try await bed.putObject("team/dumps/good.sql", "CREATE TABLE t (id int);\nINSERT INTO t VALUES (1);\n")
      try await bed.putObject("team/dumps/bad.sql", "CREATE TABLE t (id int);\n\nINSERT INTO t VALUES ('x');\n")
      try await bed.applyRestore(
        "good", source: "path: { destinationName: store, key: dumps/good.sql }",
        "  target: { database: shop }\n  databaseName: copy")
      try await bed.ready("restorerequest/good")
      #expect(try await postgres.psql("SELECT id FROM t", database: "copy") == "1")
      try await bed.applyRestore(
        "bad", source: "path: { destinationName: store, key: dumps/bad.sql }", "  target: { database: shop }")
      try await bed.restore("bad", is: "Failed")
      let message = try await bed.field("restorerequest/bad", ".status.error.message")
      #expect(message.hasPrefix("line 3: ERROR: invalid input syntax"))
      #expect(try await postgres.psql("SELECT count(*) FROM orders", database: "shop") == "2000")
      let databases = try await postgres.psql("SELECT datname FROM pg_database WHERE datname ~ '_(import|before)_'")
      #expect(databases == "")
    }
  }

  @Test("deleted while it loads, a RestoreRequest leaves no database behind; the controller killed, it goes on")
  func interrupted() async throws {
    try await withShop("load-stop") { bed, postgres in
      // The rows come slowly enough for somebody to change their mind.
      let slow = (1...60).map { "INSERT INTO t VALUES (\($0));\nSELECT pg_sleep(0.5);\n" }.joined()
      try await bed.putObject("team/dumps/slow.sql", "CREATE TABLE t (id int);\n" + slow)
      let source = "path: { destinationName: store, key: dumps/slow.sql }"
      try await bed.applyRestore("stopped", source: source, "  target: { database: shop }")
      try await bed.restore("stopped", is: "Restoring")
      let temporary = "SELECT count(*) FROM pg_database WHERE datname ~ '_import_'"
      try await eventually(within: .seconds(30), "the temporary database is there") {
        try await postgres.psql(temporary) == "1"
      }
      try await bed.kubectl("delete", "restorerequest", "stopped")
      #expect(try await postgres.psql(temporary) == "0")
      try await bed.applyRestore("going", source: source, "  target: { database: shop }\n  databaseName: copy")
      let step = try await bed.stepAtWork("import")
      try await bed.killController()
      #expect(kill(step, 0) == 0, "the step must outlive the controller")
      try await bed.startController()
      try await bed.ready("restorerequest/going")
      #expect(try await bed.field("restorerequest/going", ".status.attempts") == "1")
      #expect(try await postgres.psql("SELECT count(*) FROM t", database: "copy") == "60")
    }
  }
}

extension Bed {
  /// Puts an object into the bed's bucket.
  func putObject(_ key: String, _ text: String) async throws {
    let path = scratchFile("object-\(UUID().uuidString)")
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    try await s3.curl("/\(bucket)/\(key)", "-X", "PUT", "--data-binary", "@\(path)")
  }
}
