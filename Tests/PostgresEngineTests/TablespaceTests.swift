import Foundation
import PostgresEngine
import Repository
import TestSupport
import Testing

@Suite("Tablespaces that the log creates", .serialized)
struct TablespaceTests {
  /// A folder in which the server may make directories for tablespaces.
  private func place(for server: TestPostgres) async throws -> String {
    let scratch = try ScratchDirectory("space")
    try await RunningProgram.run("/bin/chown", [server.systemUser, scratch.path])
    return scratch.path
  }

  private func makeDirectory(_ path: String, on server: TestPostgres) async throws {
    try await server.psql("COPY (SELECT 1) TO PROGRAM 'cat > /dev/null && mkdir -m 700 \(path)'")
  }

  /// Every file below `path`, with what it holds.
  private func files(_ path: String) async throws -> String {
    try await RunningProgram.run(
      "/bin/sh",
      ["-c", "cd \"$0\" && find . -printf '%y %p %m\\n' | sort && find . -type f -exec sha256sum {} + | sort", path]
    ).output
  }

  private func oid(_ name: String, on server: TestPostgres) async throws -> UInt32 {
    try #require(UInt32(try await server.psql("SELECT oid FROM pg_tablespace WHERE spcname = '\(name)'")))
  }

  @Test("one that was created behind the base backup comes back in the clone, and no file of the source is touched")
  func createdBehindTheBase() async throws {
    let database = try await ArchivedDatabase.start()
    let server = database.server
    let place = try await place(for: server)
    var (before, after) = (LSN(0), LSN(0))
    try await database.receiving { log in
      try await server.psql("CREATE TABLE near (i int)", "INSERT INTO near VALUES (1)")
      try await database.archived(log)
      try await database.baseBackup()
      before = try #require(LSN(try await server.psql("INSERT INTO near VALUES (2)", "SELECT pg_current_wal_lsn()")))
      for name in ["kept", "dropped"] {
        try await makeDirectory("\(place)/\(name)", on: server)
        try await server.psql("CREATE TABLESPACE \(name) LOCATION '\(place)/\(name)'")
      }
      try await server.psql(
        "CREATE TABLE t (i int) TABLESPACE kept", "INSERT INTO t VALUES (7)",
        "CREATE TABLE d (i int) TABLESPACE dropped",
        "SELECT pg_switch_wal()", "DROP TABLE d", "DROP TABLESPACE dropped", "INSERT INTO t VALUES (8)", "CHECKPOINT")
      after = try #require(LSN(try await server.psql("SELECT pg_current_wal_lsn()")))
      try await database.archived(log)
    }
    let oid = try await oid("kept", on: server)
    let untouched = try await files(place)
    for spooled in [true, false] {
      let plan = try await database.plan(.latest)
      #expect(!plan.edits.isEmpty)
      let clone = try await database.recover(plan, spooled: spooled)
      #expect(try await clone.psql("SELECT i FROM t ORDER BY i") == "7\n8")
      // The clone writes all it has, into a directory of its own.
      try await clone.psql("INSERT INTO t VALUES (9)", "CREATE TABLE more (i int) TABLESPACE kept", "CHECKPOINT")
      let own = "\(clone.dataDirectory)/pg_tblspc/\(oid)"
      let status = try FileManager.default.attributesOfItem(atPath: own)
      #expect(status[.type] as? FileAttributeType == .typeDirectory, "no link")
      try await clone.restart()
      #expect(try await clone.psql("SELECT count(*) FROM t") == "3")
      try await clone.remove()
      #expect(try await files(place) == untouched)
    }
    #expect(try await server.psql("SELECT i FROM t ORDER BY i") == "7\n8")

    // A moment before the statement, whose last segment holds it all the same.
    let earlier = try await database.recover(.lsn(before))
    #expect(try await earlier.psql("SELECT spcname FROM pg_tablespace WHERE spcname !~ '^pg_'") == "")
    try await earlier.remove()
    #expect(try await files(place) == untouched)
    #expect(before < after)
    try await database.remove()
  }

  @Test("one whose record begins in one segment and ends in the next is changed in both")
  func acrossSegments() async throws {
    let database = try await ArchivedDatabase.start { $0.segmentMegabytes = 1 }
    let server = database.server
    let place = try await place(for: server)
    let path = "\(place)/\(String(repeating: "p", count: 220))"
    try await makeDirectory(path, on: server)
    try await server.psql("CREATE TABLE t (i int)")
    var last = ""
    try await database.receiving { log in
      try await database.archived(log)
      try await database.baseBackup()
      for round in 0..<40 {
        // Fills the segment up to a place near its end, and has the statement's record cross it sooner or later.
        try await server.psql(
          """
          SELECT pg_logical_emit_message(false, 'fill', repeat('x', greatest(1, left_over - \(500 + 120 * round))::int))
          FROM (SELECT 1048576 - mod(pg_current_wal_insert_lsn() - '0/0', 1048576) AS left_over) AS l
          """)
        last = "space\(round)"
        try await server.psql("CREATE TABLESPACE \(last) LOCATION '\(path)'")
        try await database.archived(log)
        let records = try await database.verifyArchive()
        let crossing = records.contains { record in
          guard case .tablespace = record.kind else { return false }
          return record.start.bytes >> 20 != (record.end.bytes - 1) >> 20
        }
        if crossing { break }
        try await server.psql("DROP TABLESPACE \(last)")
        #expect(round < 39, "no record crossed a segment's end")
      }
      try await server.psql("CREATE TABLE far (i int) TABLESPACE \(last)", "INSERT INTO far VALUES (5)", "CHECKPOINT")
      try await database.archived(log)
    }
    let untouched = try await files(place)
    let plan = try await database.plan(.latest)
    #expect(Set(plan.edits.map(\.segment)).count >= 2)
    let clone = try await database.recover(plan)
    #expect(try await clone.psql("SELECT i FROM far") == "5")
    try await clone.psql("DELETE FROM far", "VACUUM far", "CHECKPOINT")
    #expect(try await files(place) == untouched)
    try await clone.remove()
    try await database.remove()
  }

  @Test("summaries of an archive that do not speak of tablespaces are made good by reading the log itself")
  func earlierSummaries() async throws {
    let database = try await ArchivedDatabase.start()
    let server = database.server
    let place = try await place(for: server)
    try await makeDirectory("\(place)/s", on: server)
    try await database.receiving { log in
      try await database.archived(log)
      try await database.baseBackup()
      try await server.psql("CREATE TABLESPACE s LOCATION '\(place)/s'", "SELECT pg_switch_wal()", "CREATE TABLE t ()")
      try await database.archived(log)
    }
    let edits = try await database.plan(.latest).edits
    #expect(!edits.isEmpty)
    try await database.forgetTablespaces()
    #expect(try await database.plan(.latest).edits == edits)
    try await database.remove()
  }

  @Test("a server that knows no tablespaces in place is not sent through such log: the preflight says so")
  func refused() async throws {
    let database = try await ArchivedDatabase.start()
    let server = database.server
    let place = try await place(for: server)
    try await makeDirectory("\(place)/s", on: server)
    try await database.receiving { log in
      try await database.archived(log)
      try await database.baseBackup()
      let early = try await server.psql("CREATE TABLE t ()", "SELECT pg_current_wal_lsn()")
      for name in ["x", "y"] { try await server.psql("SELECT pg_switch_wal()", "CREATE TABLE \(name) ()") }
      try await server.psql("CREATE TABLE u ()", "CREATE TABLESPACE s LOCATION '\(place)/s'", "CREATE TABLE v ()")
      try await database.archived(log)
      var bases = try await database.bases()
      for index in bases.indices { bases[index].serverVersion = PostgresVersion(number: 140_004) }
      let preflight = Preflight(catalog: try await database.catalog(), bases: bases)
      let root = try await database.root
      let error = await #expect(throws: WALError.self) { try await preflight.plan(.latest, incarnation: root) }
      #expect(error?.code == .tablespaceCreated)
      #expect(error?.message.contains("\(place)/s") == true)
      // A target that does not pass it is none of its business.
      let lsn = try #require(LSN(early))
      #expect(try await preflight.plan(.lsn(lsn), incarnation: root).edits.isEmpty)
    }
    try await database.remove()
  }

  @Test("a base backup during which one was created is not kept, and leaves no snapshot")
  func duringTheBase() async throws {
    try await BackupBench.with { bench in
      let server = bench.server
      let place = try await place(for: server)
      try await makeDirectory("\(place)/s", on: server)
      try await server.pgbench("-i", "-q", "-s", "5")
      let creating = DuringBackup(server, "CREATE TABLESPACE s LOCATION '\(place)/s'")
      let error = await #expect(throws: PostgresError.self) {
        try await bench.backup(progress: { creating.runOnce(after: $0) })
      }
      #expect(error?.code == .tablespaceCreated && error?.isTransient == true)
      #expect(try await bench.repository.snapshots().isEmpty)
      try await bench.backup()
      #expect(try await bench.repository.snapshots().count == 1)
    }
  }
}
